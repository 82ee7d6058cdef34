import { COMMA, DASH, DOT, isAlnum, isDigit, isSeparator, SLASH } from '../engine/characters.js';
import type { Window } from '../engine/window.js';

/** One group of digits: `4111` in `4111-1111`. */
export interface Group {
  readonly start: number;
  readonly end: number;
}

const ZERO = 48;
const MAX_GROUPS = 8;
const MAX_GROUP_LENGTH = 7;

/** End of the digits that begin at `start`, at most `limit` further on. */
export function digitsEnd(window: Window, start: number, limit: number): number {
  const { text } = window;
  const last = Math.min(start + limit, text.length);
  let end = start;
  while (end < last && isDigit(text.charCodeAt(end))) end++;
  if (end === text.length && end < start + limit) window.touched = true;
  return end;
}

/** Not inside a word and not the fraction of a decimal number. */
export function opensNumber(window: Window, start: number): boolean {
  const before = window.at(start - 1);
  if (isAlnum(before)) return false;
  if (before === DOT) return !isDigit(window.at(start - 2));
  // "0,25" is a fraction; after any other digit a comma parts the numbers of a list.
  return !(before === COMMA && window.at(start - 2) === ZERO && !isDigit(window.at(start - 3)));
}

/** Not followed by more of a word, nor by a decimal fraction. */
export function closesNumber(window: Window, end: number): boolean {
  const after = window.at(end);
  if (isAlnum(after)) return false;
  return !(after === DOT && isDigit(window.at(end + 1)));
}

/** Groups of at most seven digits joined by single spaces, dashes or dots; `first` is already known. */
export function groupsFrom(window: Window, first: Group): Group[] {
  const groups = [first];
  let last = first;
  while (groups.length < MAX_GROUPS) {
    if (!isSeparator(window.at(last.end)) || !isDigit(window.at(last.end + 1))) break;
    const end = digitsEnd(window, last.end + 1, MAX_GROUP_LENGTH + 1);
    if (end - last.end - 1 > MAX_GROUP_LENGTH) break;
    last = { start: last.end + 1, end };
    groups.push(last);
  }
  return groups;
}

/** True when a digit group joined by `-`, `.` or `/` stands directly before `start`: the number began earlier. */
export function continuesGroup(window: Window, start: number): boolean {
  const before = window.at(start - 1);
  return (before === DASH || before === DOT || before === SLASH) && isDigit(window.at(start - 2));
}

/** The digits alone. */
export function digitsOf(window: Window, start: number, end: number): string {
  const text = window.text.slice(start, end);
  return /\D/.test(text) ? text.replace(/\D+/g, '') : text;
}

export function allSame(digits: string): boolean {
  for (let index = 1; index < digits.length; index++) if (digits.charCodeAt(index) !== digits.charCodeAt(0)) return false;
  return true;
}
