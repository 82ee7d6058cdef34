import type { Context } from '../engine/context.js';
import { contextMask } from '../engine/context-kinds.js';
import {
  CLOSE_PAREN,
  DASH,
  DOT,
  HASH,
  isAlnum,
  isDigit,
  isLetter,
  isSeparator,
  OPEN_PAREN,
  PLUS,
  SLASH,
  SPACE,
} from '../engine/characters.js';
import { isLabelled } from './phone-label.js';
import { LIKELY, type Candidate, type Window } from '../engine/window.js';
import { continuesGroup, digitsEnd, digitsOf } from './digit-run.js';

const RULE = 'phone@3';

/** A word such as "account" nearer to the number takes it from the phone. */
const PHONE_OR_OTHER = contextMask(['ssn', 'routing', 'account', 'phone']);
const BARE_PHONE_OR_OTHER = contextMask(['ssn', 'routing', 'account', 'phone', 'item']);

const DOLLAR = 36;
const ZERO = 48;
const UNDERSCORE = 95;

/** ITU-T E.164: at most 15 digits; with a trunk or exit prefix a few more. */
const MAX_DIGITS = 17;

interface Parsed {
  readonly end: number;
  /** How many digits. */
  readonly count: number;
  /** Group lengths as hexadecimal digits: 0x334 is three, three and four. */
  readonly shape: number;
  readonly groups: number;
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

/** Groups of digits with single separators; `(0)` and `(212)` count as groups. Null when there are fewer than seven digits. */
function parse(window: Window, start: number): Parsed | null {
  let index = start;
  let count = 0;
  let paren = false;
  let end = start;
  let shape = 0;
  let groups = 0;
  if (window.at(index) === PLUS) index++;
  while (groups < 7) {
    const inParen = window.at(index) === OPEN_PAREN;
    const from = inParen ? index + (window.at(index + 1) === PLUS ? 2 : 1) : index;
    const to = digitsEnd(window, from, MAX_DIGITS + 1);
    if (to === from || count + to - from > MAX_DIGITS) break;
    if (inParen && window.at(to) !== CLOSE_PAREN) break;
    count += to - from;
    shape = shape * 16 + Math.min(15, to - from);
    groups++;
    paren ||= inParen;
    end = inParen ? to + 1 : to;
    index = end;
    const separator = window.at(index);
    if (isSeparator(separator) || separator === SLASH) index++;
    else if (!inParen && separator !== OPEN_PAREN) break;
    const next = window.at(index);
    if (!isDigit(next) && next !== OPEN_PAREN) break;
  }
  return count < 7 ? null : { end, count, shape, groups, paren };
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
const OTHER_SHAPES = new Set([0x422, 0x224, 0x124, 0x214, 0x42, 0x412, 0x114, 0x324, 0x411, 0x222]);

/** 2019-2020 */
const YEARS = /^(?:19|20)\d\d(?:19|20)\d\d$/;

/** North American form, with or without the country code. The exchange is not checked: fictitious numbers break its rule. */
function isNorthAmerican({ shape, paren }: Parsed, digits: string): boolean {
  if (shape === 0x334 || (paren && shape === 0x37)) return digits >= '2';
  if (shape === 0x1334) return /^1[2-9]/.test(digits);
  return shape === 0x3334 && /^001[2-9]/.test(digits);
}

/** How sure the form alone makes us; 0 = it needs a word such as "call" before it. */
function formScore(international: boolean, parsed: Parsed, digits: string): number {
  const { count, shape, groups } = parsed;
  if (international) return count >= 8 && count <= 15 && !digits.startsWith('0') ? 0.85 : 0;
  if (isNorthAmerican(parsed, digits)) return 0.8;
  if (!digits.startsWith('0') || digits.startsWith('00')) return 0;
  if (shape === 0x22222) return 0.6;
  return groups > 1 && groups <= 4 && count >= 9 && count <= 11 ? 0.45 : 0;
}

/** With a context word: any national form of 7 to 15 digits that is not shaped like years or an amount. */
function mayBePhone({ count, shape, groups }: Parsed, digits: string): boolean {
  if (count > 15 || (shape === 0x44 && YEARS.test(digits))) return false;
  return groups > 1 || (count >= 9 && count <= 11);
}

/** Thousands parted by blanks: 3 000 000. */
const isAmount = ({ shape, paren }: Parsed): boolean => !paren && (shape === 0x133 || shape === 0x233 || shape === 0x1333);

/**
 * A phone number from `start` (which may be a `+` or `(` before its first digits, `digit` to `digitsTo`); forms that are not self-evident only after a
 * word such as "call" or before a label such as "fax".
 */
export function phone(window: Window, start: number, digit: number, digitsTo: number, context: Context): Candidate | null {
  if (start === digit && !mayBegin(window, digitsTo - digit, digitsTo)) return null;
  // A decimal fraction: 0.869258673
  if (digitsTo - digit === 1 && window.at(digit) === ZERO && window.at(digitsTo) === DOT) return null;
  const before = window.at(start - 1);
  if (isAlnum(before) || before === PLUS || continuesGroup(window, start)) return null;
  const parsed = parse(window, start);
  if (parsed === null) return null;
  const plus = window.at(start) === PLUS || (window.at(start) === OPEN_PAREN && window.at(start + 1) === PLUS);
  if (!plus && OTHER_SHAPES.has(parsed.shape)) return null;
  const labelled = isLabelled(window, parsed.end) && !isAmount(parsed);
  if (!plus && !labelled && !isLikely(window, parsed, digit, context)) return null;
  const end = extensionEnd(window, parsed.end);
  const after = window.at(end);
  if (isAlnum(after)) return null;
  if ((after === DASH || after === SLASH || after === DOT) && isDigit(window.at(end + 1))) return null;
  const digits = digitsOf(window, start, parsed.end);
  let score = formScore(plus, parsed, digits);
  if (score < 0.8) {
    // A weak form inside a longer row of numbers is a table, not a phone number.
    if ((before === SPACE && isDigit(window.at(start - 2))) || (after === SPACE && isDigit(window.at(end + 1)))) return null;
    if (parsed.groups === 1 && isMarked(before)) return null;
    if (mayBePhone(parsed, digits) && (labelled || isSaid(parsed, start, context))) score = Math.max(score, 0.6) + 0.1;
  }
  return score === 0 ? null : { start, end, type: 'phone', rule: RULE, score, strength: LIKELY };
}

/** Whether a number without `+` or `(` whose first group is this long and ends at `end` needs a closer look. */
function mayBegin(window: Window, length: number, end: number): boolean {
  const after = window.at(end);
  if (after === OPEN_PAREN) return length <= 7;
  if (isSeparator(after) || after === SLASH) {
    const next = window.at(end + 1);
    if (isDigit(next) || (next === OPEN_PAREN && !isLetter(window.at(end + 2)))) return length <= 7;
  }
  return length >= 9 && length <= 11;
}

/** A known form, a trunk prefix or a word before it: anything else need not be looked at further. */
function isLikely(window: Window, { shape, paren }: Parsed, digit: number, context: Context): boolean {
  if (shape === 0x334 || shape === 0x1334 || paren || window.at(digit) === 48) return true;
  return context.nearest(digit, PHONE_OR_OTHER) === 'phone';
}

/** `INC-`, `#`, `$`, `_` before a bare number: something else is counted. */
const isMarked = (before: number): boolean => before === DASH || before === HASH || before === DOLLAR || before === UNDERSCORE;

/** Whether the nearest word speaks of phones; of bare numbers also orders, tickets and the like have. */
function isSaid({ groups }: Parsed, start: number, context: Context): boolean {
  return context.nearest(start, groups === 1 ? BARE_PHONE_OR_OTHER : PHONE_OR_OTHER) === 'phone';
}
