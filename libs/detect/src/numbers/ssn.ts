import { DASH, isAlnum, isDigit, SPACE } from '../engine/characters.js';
import { LIKELY, VERIFIED, type Candidate, type Window } from '../engine/window.js';
import type { Wanted } from '../entity-types.js';
import { allSame, continuesGroup, digitsOf, opensNumber, type Group } from './digit-run.js';

const RULE = 'us_ssn@1';
const ITIN_RULE = 'us_itin@1';

/** Numbers printed in advertising and textbooks, which nobody holds. */
const SAMPLES = new Set(['078051120', '123456789', '987654320', '987654321']);

/** SSA: area not 000, 666 or 900-999; group not 00; serial not 0000. */
export function isSsn(digits: string): boolean {
  if (digits.length !== 9 || allSame(digits) || SAMPLES.has(digits) || digits.startsWith('98765432')) return false;
  const area = digits.slice(0, 3);
  return area !== '000' && area !== '666' && area < '900' && digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000';
}

/** IRS: nine digits beginning with 9 whose fourth and fifth are 50-65, 70-88, 90-92 or 94-99. */
export function isItin(digits: string): boolean {
  if (digits.length !== 9 || digits[0] !== '9' || allSame(digits) || SAMPLES.has(digits)) return false;
  const group = Number(digits.slice(3, 5));
  return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) || (group >= 90 && group <= 92) || group >= 94;
}

/** `219-09-9999` with one kind of separator throughout; as an ITIN when it begins with 9. */
export function printedSsn(window: Window, groups: readonly Group[], wanted: Pick<Wanted, 'ssn' | 'itin'>): Candidate | null {
  const [area, group, serial] = groups;
  if (area === undefined || group === undefined || serial === undefined) return null;
  if (area.end - area.start !== 3 || group.end - group.start !== 2 || serial.end - serial.start !== 4) return null;
  const separator = window.at(area.end);
  if (window.at(group.end) !== separator || !opensNumber(window, area.start) || continuesGroup(window, area.start)) return null;
  if (separator === SPACE && window.at(area.start - 1) === SPACE && isDigit(window.at(area.start - 2))) return null;
  const after = window.at(serial.end);
  if (isAlnum(after) || ((after === separator || after === DASH) && isDigit(window.at(serial.end + 1)))) return null;
  const digits = digitsOf(window, area.start, serial.end);
  const place = { start: area.start, end: serial.end, score: separator === DASH ? 0.95 : 0.8, strength: VERIFIED };
  if (wanted.ssn && isSsn(digits)) return { ...place, type: 'us_ssn', rule: RULE };
  return wanted.itin && isItin(digits) ? { ...place, type: 'us_itin', rule: ITIN_RULE } : null;
}

/** Nine digits that the words before call a social security or taxpayer number. */
export function bareSsn(window: Window, group: Group, wanted: Pick<Wanted, 'ssn' | 'itin'>): Candidate | null {
  const digits = digitsOf(window, group.start, group.end);
  const place = { start: group.start, end: group.end, score: 0.85, strength: LIKELY };
  if (wanted.ssn && isSsn(digits)) return { ...place, type: 'us_ssn', rule: RULE };
  return wanted.itin && isItin(digits) ? { ...place, type: 'us_itin', rule: ITIN_RULE } : null;
}
