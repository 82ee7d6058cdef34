import { isAlnum, isUpper } from '../engine/characters.js';
import { VERIFIED, type Candidate, type Window } from '../engine/window.js';
import { COUNTRIES } from './countries.js';

const RULE = 'swift_bic@1';

/** Units after "BIC" or "SWIFT" within which the code begins. */
export const BIC_REACH = 48;

/** True where a code may begin: a capital that nothing alphanumeric stands before. */
export function mayBeginBic(window: Window, start: number): boolean {
  return isUpper(window.at(start)) && !isAlnum(window.at(start - 1));
}

/** ISO 9362: four letters, a country, two signs of the place, three of the branch or none. */
export function bic(window: Window, start: number): Candidate | null {
  let end = start;
  while (end - start < 12 && isAlnum(window.at(end))) end++;
  if (end - start !== 8 && end - start !== 11) return null;
  const word = window.text.slice(start, end);
  if (!/^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/.test(word) || !COUNTRIES.has(word.slice(4, 6))) return null;
  return { start, end, type: 'swift_bic', rule: RULE, score: 0.9, strength: VERIFIED };
}
