import { VERIFIED, type Candidate, type Window } from '../engine/window.js';
import type { Context } from '../engine/context.js';
import { allSame, closesNumber, digitsOf, opensNumber, type Group } from './digit-run.js';

const RULE = 'credit_card@1';

/** Group lengths cards are printed in; the last group may be absent. */
const PRINTED = ['4-4-4', '4-4-4-1', '4-4-4-4', '4-6-4', '4-6-5', '4-4-4-4-1', '4-4-4-4-2', '4-4-4-4-3', '4-4-5', '4-3-3-3'];

/** ISO/IEC 7812 issuer ranges with the lengths in use; [first six digits from, to, lengths]. */
const ISSUERS: readonly (readonly [number, number, readonly number[]])[] = [
  [180000, 180099, [15]],
  [213100, 213199, [15]],
  [220000, 220499, [16, 17, 18, 19]],
  [222100, 272099, [16]],
  [300000, 305999, [14, 16]],
  [309500, 309599, [14, 16]],
  [340000, 349999, [15]],
  [350000, 359999, [16, 17, 18, 19]],
  [360000, 369999, [14, 15, 16, 17, 18, 19]],
  [370000, 379999, [15]],
  [380000, 399999, [14, 15, 16, 17, 18, 19]],
  [400000, 499999, [13, 16, 19]],
  [500000, 509999, [12, 13, 14, 15, 16, 17, 18, 19]],
  [510000, 559999, [16]],
  [560000, 589999, [12, 13, 14, 15, 16, 17, 18, 19]],
  [600000, 699999, [12, 13, 14, 15, 16, 17, 18, 19]],
  [810000, 817199, [16, 17, 18, 19]],
  [979200, 979299, [16]],
];

/** ISO/IEC 7812-1 Annex B. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let index = digits.length - 1, double = false; index >= 0; index--, double = !double) {
    const digit = digits.charCodeAt(index) - 48;
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

function issued(digits: string): boolean {
  const head = Number(digits.slice(0, 6));
  return ISSUERS.some(([from, to, lengths]) => head >= from && head <= to && lengths.includes(digits.length));
}

function card(window: Window, start: number, end: number, said: () => boolean): Candidate | null {
  const digits = digitsOf(window, start, end);
  if (!luhn(digits) || allSame(digits) || !(issued(digits) || said())) return null;
  return { start, end, type: 'credit_card', rule: RULE, score: digits.length === 12 ? 0.9 : 1, strength: VERIFIED };
}

/** A card written without separators, the group having 12 to 19 digits; of any issuer when the words before speak of a card. */
export function bareCard(window: Window, group: Group, context: Context): Candidate | null {
  return card(window, group.start, group.end, () => context.says(group.start, 'card'));
}

/** The longest card that the groups print from their beginning. */
export function printedCard(window: Window, groups: readonly Group[]): Candidate | null {
  if (groups.length < 2 || !opensNumber(window, (groups[0] as Group).start)) return null;
  let shape = '';
  let best: Candidate | null = null;
  for (const [index, group] of groups.entries()) {
    shape += `${index === 0 ? '' : '-'}${group.end - group.start}`;
    if (shape.length > 9) break;
    if (index > 0 && PRINTED.includes(shape) && closesNumber(window, group.end)) {
      best = card(window, (groups[0] as Group).start, group.end, () => false) ?? best;
    }
  }
  return best;
}
