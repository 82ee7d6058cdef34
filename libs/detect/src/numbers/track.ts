import { isDigit } from '../engine/characters.js';
import { CERTAIN, type Candidate, type Window } from '../engine/window.js';
import { luhn } from './card.js';

const TRACK1 = 'credit_card.track1@1';
const TRACK2 = 'credit_card.track2@1';

/** ISO/IEC 7813: 79 and 40 characters. */
const TRACK1_LENGTH = 79;
const TRACK2_LENGTH = 40;
const MIN_PAN = 12;
const MAX_PAN = 19;
const PERCENT = 37;
const SEMICOLON = 59;
const CARET = 94;
const EQUALS = 61;
const QUESTION = 63;
const CAPITAL_B = 66;

/** Start of track data whose card number begins at `digit`: its `%B` or `;`; -1 when neither stands there. */
export function trackStart(window: Window, digit: number): number {
  const before = window.at(digit - 1);
  if (before === SEMICOLON) return digit - 1;
  return (before | 32) === (CAPITAL_B | 32) && window.at(digit - 2) === PERCENT ? digit - 2 : -1;
}

/**
 * What a magnetic stripe holds, from its start sentinel: `%B<number>^<name>^<expiry and more>?` or `;<number>=<expiry and more>?`. It is masked as one
 * value: expiry date and verification values must never be kept, whoever keeps the number.
 */
export function track(window: Window, start: number, digit: number, end: number): Candidate | null {
  if (end - digit < MIN_PAN || end - digit > MAX_PAN || !luhn(window.text.slice(digit, end))) return null;
  const isFirst = window.at(start) === PERCENT;
  if (window.at(end) !== (isFirst ? CARET : EQUALS)) return null;
  const limit = start + (isFirst ? TRACK1_LENGTH : TRACK2_LENGTH);
  let index = end + 1;
  if (isFirst) {
    while (index < limit && window.at(index) !== CARET && window.at(index) >= 32) index++;
    if (window.at(index) !== CARET) return null;
    index++;
  }
  for (let count = 0; count < 7; count++, index++) if (!isDigit(window.at(index))) return null;
  while (index < limit && isTrackUnit(window.at(index), isFirst)) index++;
  if (window.at(index) === QUESTION) index++;
  return { start, end: index, type: 'credit_card', rule: isFirst ? TRACK1 : TRACK2, score: 1, strength: CERTAIN };
}

/** Track 1 has capitals, digits and some signs, track 2 digits and `=`. */
function isTrackUnit(code: number, isFirst: boolean): boolean {
  if (isDigit(code) || code === EQUALS) return true;
  return isFirst && code >= 32 && code < 96 && code !== QUESTION && code !== CARET;
}
