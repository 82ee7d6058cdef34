import {
  CLOSE_PAREN,
  COMMA,
  DOT,
  isAlnum,
  isDigit,
  isLetter,
  isSeparator,
  isUpper,
  OPEN_PAREN,
  PLUS,
  SLASH,
  SPACE,
} from '../engine/characters.js';
import type { Wanted } from '../entity-types.js';
import { codeBefore, isCodeGap } from './cvv.js';
import { mayBeginIbanWith } from './iban.js';

const ZERO = 48;
const SMALL_B = 98;
const PERCENT = 37;
const SEMICOLON = 59;

/** Bytes in front of a group of digits that may be read here: those the sieve keeps. */
export const NUMBER_BEHIND = 8;
/** Digits of the longest group that is told here. */
const LONGEST = 64;
/** Fewest digits of a value written in groups: those of a phone number. */
const FEWEST = 7;
/** Signs between two groups: `) (+`. */
const GAP = 4;

/**
 * Whether no rule takes anything that begins with the group of digits from `start` to `end` or just before it: short numbers, amounts, versions, dates,
 * digits within words. Read from bytes that are the units they stand for, NUMBER_BEHIND of them before `start` and none from `limit` on; false
 * when that is not enough to know. numbersAt() decides all others.
 */
export function isIdleNumber(bytes: Uint8Array, start: number, end: number, limit: number, wanted: Wanted): boolean {
  const length = end - start;
  if (length > LONGEST || end + 3 >= limit) return false;
  const before = bytes[start - 1] as number;
  const next = bytes[end] as number;
  if (wanted.address && length <= 6 && mayBeHouse(bytes, before, end)) return false;
  if ((wanted.isin || wanted.cusip) && (isUpper(before) || isUpper(next))) return false;
  if (length >= 12 && wanted.card && (before === SEMICOLON || ((before | 32) === SMALL_B && bytes[start - 2] === PERCENT))) return false;
  // Within a word begins nothing but an IBAN, with its country.
  if (isLetter(before)) return !wanted.iban || isAlnum(bytes[start - 3] as number) || !mayBeginIbanWith(bytes[start - 2] as number, before);
  if (wanted.cvv && (length === 3 || length === 4) && mayBeCode(bytes, start, end, limit)) return false;
  if (length >= 6 && mayBeBare(bytes, start, end, before, next)) return false;
  // Also with an extension directly behind.
  if (length >= 9 && length <= 11 && wanted.phone) return false;
  const isJoined = before === PLUS || before === OPEN_PAREN || isSeparator(next) || next === SLASH || next === OPEN_PAREN;
  return !isJoined || isIdleRow(bytes, start, end, limit, wanted);
}

/** Bare numbers of 6 to 19 digits: an account, a card, a phone number, by the words before them. */
function mayBeBare(bytes: Uint8Array, start: number, end: number, before: number, next: number): boolean {
  if (end - start > 19) return false;
  if (before === DOT && isDigit(bytes[start - 2] as number)) return false;
  if (before === COMMA && bytes[start - 2] === ZERO && !isDigit(bytes[start - 3] as number)) return false;
  return !isAlnum(next) && !(next === DOT && isDigit(bytes[end + 1] as number));
}

/**
 * Three or four digits beside a card number, after "CSC" or "CID", or that words behind them call a card's code: see codeAt(). Reads at most
 * NUMBER_BEHIND bytes before `start`.
 */
function mayBeCode(bytes: Uint8Array, start: number, end: number, limit: number): boolean {
  if (end + 8 >= limit) return true;
  if (isCodeGap(bytes[start - 1] as number) && codeBefore(bytes, start) !== 0) return true;
  let at = isQuote(bytes[end] as number) ? end + 1 : end;
  if (!isBlank(bytes[at] as number)) return false;
  if (isBlank(bytes[++at] as number)) at++;
  const inParen = bytes[at] === OPEN_PAREN;
  if (inParen) at++;
  const first = (bytes[at] as number) | 32;
  const second = (bytes[at + 1] as number) | 32;
  const third = (bytes[at + 2] as number) | 32;
  if (!inParen) {
    // is, as, for, was
    if (second === S) return (first === I || first === A) && third === SPACE;
    return (first === F && second === O && third === R) || (first === W && second === A && third === S);
  }
  // CVV, CVC, CVN, CVD, CSC, security, card, the, my
  if (first === C) return second === V || second === S || (second === A && third === R);
  return (first === S && second === E && third === C) || (first === T && second === H) || (first === M && second === Y);
}

const [A, C, E, F, H, I, M, O, R, S, T, V, W, Y] = Array.from('acefhimorstvwy', (letter) => letter.charCodeAt(0)) as [
  number, number, number, number, number, number, number, number, number, number, number, number, number, number,
]; // prettier-ignore
const isQuote = (code: number): boolean => code === 34 || code === 39 || code === 96;
const isBlank = (code: number): boolean => code === SPACE || code === 9 || code === 11 || code === 12;

/** See addressAt(). */
function mayBeHouse(bytes: Uint8Array, before: number, end: number): boolean {
  if (isAlnum(before)) return false;
  const street = isLetter(bytes[end] as number) ? end + 1 : end;
  return bytes[street] === SPACE && isAlnum(bytes[street + 1] as number);
}

/** Whether the groups from `start` on have too few digits for a value, or are a date. */
function isIdleRow(bytes: Uint8Array, start: number, end: number, limit: number, wanted: Wanted): boolean {
  // A decimal fraction: 0.25
  if (end - start === 1 && bytes[start] === ZERO && bytes[end] === DOT) return !wanted.ip;
  let digits = end - start;
  let dots = 0;
  let at = end;
  while (digits < FEWEST) {
    const gap = at;
    while (at - gap < GAP && isGap(bytes[at] as number)) {
      if (bytes[at] === DOT) dots++;
      at++;
    }
    // The text may go on with further digits.
    if (at + GAP >= limit) return false;
    if (!isDigit(bytes[at] as number)) return dots < 3 || !wanted.ip;
    while (digits < FEWEST && isDigit(bytes[at] as number)) {
      digits++;
      at++;
    }
  }
  return isDate(bytes, start, end, limit);
}

const isGap = (code: number): boolean =>
  isSeparator(code) || code === SLASH || code === OPEN_PAREN || code === CLOSE_PAREN || code === PLUS;

/** `2026-01-31` that no further digits follow. No rule takes groups of four, two and two. */
function isDate(bytes: Uint8Array, start: number, end: number, limit: number): boolean {
  const before = bytes[start - 1];
  if (end - start !== 4 || end + 9 >= limit || before === PLUS || before === OPEN_PAREN || !isSeparator(bytes[end] as number)) return false;
  const second = bytes[end + 3] as number;
  if (!isPair(bytes, end + 1) || !(isSeparator(second) || second === SLASH) || !isPair(bytes, end + 4)) return false;
  const after = bytes[end + 6] as number;
  if (isDigit(after) || after === OPEN_PAREN) return false;
  const further = bytes[end + 7] as number;
  return !(isSeparator(after) || after === SLASH) || !(isDigit(further) || further === OPEN_PAREN);
}

const isPair = (bytes: Uint8Array, at: number): boolean => isDigit(bytes[at] as number) && isDigit(bytes[at + 1] as number);
