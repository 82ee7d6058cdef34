import { COMMA, DASH, DOT, isAlnum, isDigit, isLetter, SLASH, SPACE } from '../engine/characters.js';
import { VERIFIED, type Candidate, type Window } from '../engine/window.js';
import { digitsEnd } from './digit-run.js';

const RULE = 'date_of_birth@2';

/** Units after a word such as "born" within which the date begins. */
export const BIRTH_REACH = 40;

const MONTHS = new Set(
  'january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec'.split(
    ' ',
  ),
);

/** What follows "born" or "birth" where nobody's birthday is meant: "born out of a need", "birth certificate". */
const NOT_BORN = /^[ _-](?:out|of|from|again|into|certificates?|rates?|controls?|defects?|plans?|marks?)(?![a-z])/i;
/** Words that say what another date is. */
const OTHER_DATE =
  /(?<![a-z])(?:issued|dated|expires|expiry|expired|expiration|joined|hired|opened|enrolled|died|deceased|death|signed|updated|created|effective|since|until|due|married|moved|started|approved|filed|received|released)(?![a-z])/i;

/** Whether what stands between the word that ends at `end` (`born`, `birth`) and the date at `start` says that nobody was born then. */
export function isOtherDate(window: Window, end: number, start: number): boolean {
  const between = window.text.slice(end, start);
  return NOT_BORN.test(between) || OTHER_DATE.test(between);
}

/** True where a date may begin: a digit or a letter that nothing alphanumeric stands before. */
export function mayBeginDate(window: Window, start: number): boolean {
  const code = window.at(start);
  return (isDigit(code) || isLetter(code)) && !isAlnum(window.at(start - 1));
}

/** A day, written with numbers or with the month's name. */
export function birthDate(window: Window, start: number): Candidate | null {
  const end = isDigit(window.at(start)) ? fromNumber(window, start) : monthFirst(window, start);
  if (end < 0 || isAlnum(window.at(end))) return null;
  return { start, end, type: 'date_of_birth', rule: RULE, score: 0.85, strength: VERIFIED };
}

function fromNumber(window: Window, start: number): number {
  const first = digitsEnd(window, start, 9);
  const value = Number(window.text.slice(start, first));
  const length = first - start;
  if (length === 8) return isCompact(window.text.slice(start, first)) ? first : -1;
  const sign = window.at(first);
  if (sign === DASH || sign === SLASH || sign === DOT) {
    const numeric = numericDate(window, start, first, sign);
    if (numeric >= 0) return numeric;
  }
  return length <= 2 && value >= 1 && value <= 31 ? monthAfterDay(window, first) : -1;
}

/** 1980-03-05, 03/05/1980, 5.3.80 */
function numericDate(window: Window, start: number, first: number, sign: number): number {
  const second = digitsEnd(window, first + 1, 3);
  if (second === first + 1 || window.at(second) !== sign) return -1;
  const third = digitsEnd(window, second + 1, 5);
  const [a, b, c] = [window.text.slice(start, first), window.text.slice(first + 1, second), window.text.slice(second + 1, third)];
  if (a.length === 4) return isYear(a) && isMonthDay(b, c) ? third : -1;
  if (c.length !== 2 && !(c.length === 4 && isYear(c))) return -1;
  return isMonthDay(a, b) || isMonthDay(b, a) ? third : -1;
}

/** `5 March 1980`, `5th of March, 1980`, `5-Mar-1980`; `at` is the end of the day's digits. */
function monthAfterDay(window: Window, at: number): number {
  let index = at;
  if (isLetter(window.at(index))) {
    if (!/^(?:st|nd|rd|th)$/i.test(window.text.slice(index, index + 2))) return -1;
    index += 2;
  }
  index = skip(window, index);
  if (window.startsWith('of ', index)) index += 3;
  const month = monthEnd(window, index);
  return month < 0 ? -1 : year(window, skip(window, month));
}

/** `March 5, 1980` */
function monthFirst(window: Window, start: number): number {
  const month = monthEnd(window, start);
  if (month < 0) return -1;
  const day = skip(window, month);
  let end = digitsEnd(window, day, 3);
  if (end === day || end - day > 2) return -1;
  if (isLetter(window.at(end))) {
    if (!/^(?:st|nd|rd|th)$/i.test(window.text.slice(end, end + 2))) return -1;
    end += 2;
  }
  return year(window, skip(window, end));
}

function monthEnd(window: Window, start: number): number {
  let end = start;
  while (end - start < 10 && isLetter(window.at(end))) end++;
  return MONTHS.has(window.text.slice(start, end).toLowerCase()) ? end : -1;
}

function year(window: Window, start: number): number {
  const end = digitsEnd(window, start, 5);
  return end - start === 4 && isYear(window.text.slice(start, end)) ? end : -1;
}

/** At most three blanks, commas, dots and dashes. */
function skip(window: Window, from: number): number {
  let index = from;
  while (index - from < 3 && [SPACE, COMMA, DOT, DASH].includes(window.at(index))) index++;
  return index;
}

const isYear = (text: string): boolean => /^(?:19\d\d|20[0-2]\d)$/.test(text);
const isMonthDay = (month: string, day: string): boolean => inRange(month, 12) && inRange(day, 31);
const inRange = (text: string, most: number): boolean => text !== '' && text.length <= 2 && Number(text) >= 1 && Number(text) <= most;
const isCompact = (text: string): boolean =>
  (isYear(text.slice(0, 4)) && isMonthDay(text.slice(4, 6), text.slice(6))) ||
  (isYear(text.slice(4)) && isMonthDay(text.slice(0, 2), text.slice(2, 4)));
