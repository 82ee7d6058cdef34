import { CLOSE_PAREN, DASH, DOT, HASH, isAlnum, isDigit, OPEN_PAREN, PLUS, SLASH, SPACE } from '../engine/characters.js';
import { LIKELY, type Candidate, type Window } from '../engine/window.js';
import { continuesGroup, digitsEnd } from './digit-run.js';

const RULE = 'phone@1';

/** ITU-T E.164: at most 15 digits; with a trunk or exit prefix a few more. */
const MAX_DIGITS = 17;

interface Parsed {
  readonly end: number;
  readonly digits: string;
  /** Group lengths, `3-3-4`. */
  readonly shape: string;
  readonly paren: boolean;
}

/** First unit of a phone number whose first digit is at `digit`: a `+` or `(` before it belongs to it. */
export function phoneStart(window: Window, digit: number): number {
  let start = digit;
  if (window.at(start - 1) === OPEN_PAREN) start--;
  if (window.at(start - 1) === PLUS) start--;
  if (start === digit - 1 && window.at(start) === PLUS && window.at(start - 1) === OPEN_PAREN) start--;
  return start;
}

/** Groups of digits with single separators; `(0)` and `(212)` count as groups. */
function parse(window: Window, start: number): Parsed | null {
  let index = start;
  let digits = '';
  let shape = '';
  let paren = false;
  let end = start;
  if (window.at(index) === PLUS) index++;
  for (let group = 0; group < 7; group++) {
    const inParen = window.at(index) === OPEN_PAREN;
    const from = inParen ? index + (window.at(index + 1) === PLUS ? 2 : 1) : index;
    const to = digitsEnd(window, from, MAX_DIGITS + 1);
    if (to === from || digits.length + to - from > MAX_DIGITS) break;
    if (inParen && window.at(to) !== CLOSE_PAREN) break;
    digits += window.text.slice(from, to);
    shape += `${shape === '' ? '' : '-'}${to - from}`;
    paren ||= inParen;
    end = inParen ? to + 1 : to;
    index = end;
    const separator = window.at(index);
    if (separator === SPACE || separator === DASH || separator === DOT || separator === SLASH) index++;
    else if (!inParen && separator !== OPEN_PAREN) break;
    const next = window.at(index);
    if (!isDigit(next) && next !== OPEN_PAREN) break;
  }
  return digits === '' ? null : { end, digits, shape, paren };
}

/** `x123`, ` ext. 123`, `#123` after a number; the end when there is none. */
function extensionEnd(window: Window, end: number): number {
  let index = end;
  if (window.at(index) === SPACE) index++;
  if ((window.at(index) | 32) === 120) index++;
  else if (window.at(index) === HASH) index++;
  else if ((window.at(index) | 32) === 101 && (window.at(index + 1) | 32) === 120 && (window.at(index + 2) | 32) === 116) {
    index += 3;
    if (window.at(index) === DOT) index++;
  } else return end;
  if (window.at(index) === SPACE) index++;
  const to = digitsEnd(window, index, 7);
  return to === index || to - index > 6 ? end : to;
}

/** Dates, years, social security numbers. */
const OTHER_SHAPES = new Set(['4-2-2', '2-2-4', '1-2-4', '2-1-4', '4-2', '4-1-2', '1-1-4', '3-2-4', '4-1-1', '2-2-2']);

/** 2019-2020 */
const YEARS = /^(?:19|20)\d\d(?:19|20)\d\d$/;

/** North American form, with or without the country code. The exchange is not checked: fictitious numbers break its rule. */
function isNorthAmerican({ digits, shape, paren }: Parsed): boolean {
  if (shape === '3-3-4' || (paren && shape === '3-7')) return digits >= '2';
  if (shape === '1-3-3-4') return /^1[2-9]/.test(digits);
  return shape === '3-3-3-4' && /^001[2-9]/.test(digits);
}

/** How sure the form alone makes us; 0 = it needs a word such as "call" before it. */
function formScore(international: boolean, parsed: Parsed): number {
  const { digits, shape } = parsed;
  if (international) return digits.length >= 8 && digits.length <= 15 && !digits.startsWith('0') ? 0.85 : 0;
  if (isNorthAmerican(parsed)) return 0.8;
  if (!digits.startsWith('0') || digits.startsWith('00') || OTHER_SHAPES.has(shape)) return 0;
  if (shape === '2-2-2-2-2') return 0.6;
  return shape.includes('-') && digits.length >= 9 && digits.length <= 11 && shape.split('-').length <= 4 ? 0.45 : 0;
}

/** With a context word: any national form of 7 to 15 digits that is not shaped like a date, an amount or a social security number. */
function mayBePhone({ digits, shape }: Parsed): boolean {
  if (digits.length > 15 || OTHER_SHAPES.has(shape) || (shape === '4-4' && YEARS.test(digits))) return false;
  return shape.includes('-') || (digits.length >= 9 && digits.length <= 11);
}

/** A phone number from `start` (which may be a `+` or `(` before `digit`); forms that are not self-evident only when `said`. */
export function phone(window: Window, start: number, said: () => boolean): Candidate | null {
  const before = window.at(start - 1);
  if (isAlnum(before) || before === PLUS || continuesGroup(window, start)) return null;
  const parsed = parse(window, start);
  if (parsed === null || parsed.digits.length < 7) return null;
  const end = extensionEnd(window, parsed.end);
  const after = window.at(end);
  if (isAlnum(after)) return null;
  if ((after === DASH || after === SLASH || after === DOT) && isDigit(window.at(end + 1))) return null;
  const plus = window.at(start) === PLUS || (window.at(start) === OPEN_PAREN && window.at(start + 1) === PLUS);
  let score = formScore(plus, parsed);
  if (score < 0.8) {
    // A weak form inside a longer row of numbers is a table, not a phone number.
    if ((before === SPACE && isDigit(window.at(start - 2))) || (after === SPACE && isDigit(window.at(end + 1)))) return null;
    if (mayBePhone(parsed) && said()) score = Math.max(score, 0.6) + 0.1;
  }
  return score === 0 ? null : { start, end, type: 'phone', rule: RULE, score, strength: LIKELY };
}
