import { DASH, isAlnum, isDigit, SPACE } from '../engine/characters.js';
import { LIKELY, VERIFIED, type Candidate, type Window } from '../engine/window.js';
import { allSame, continuesGroup, digitsOf, opensNumber, type Group } from './digit-run.js';

const RULE = 'us_ssn@1';

/** Numbers printed in advertising and textbooks, which nobody holds. */
const SAMPLES = new Set(['078051120', '123456789', '987654320', '987654321']);

/** SSA: area not 000, 666 or 900-999; group not 00; serial not 0000. */
export function isSsn(digits: string): boolean {
  if (digits.length !== 9 || allSame(digits) || SAMPLES.has(digits) || digits.startsWith('98765432')) return false;
  const area = digits.slice(0, 3);
  return area !== '000' && area !== '666' && area < '900' && digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000';
}

/** `219-09-9999` with one kind of separator throughout. */
export function printedSsn(window: Window, groups: readonly Group[]): Candidate | null {
  const [area, group, serial] = groups;
  if (area === undefined || group === undefined || serial === undefined) return null;
  if (area.end - area.start !== 3 || group.end - group.start !== 2 || serial.end - serial.start !== 4) return null;
  const separator = window.at(area.end);
  if (window.at(group.end) !== separator || !opensNumber(window, area.start) || continuesGroup(window, area.start)) return null;
  if (separator === SPACE && window.at(area.start - 1) === SPACE && isDigit(window.at(area.start - 2))) return null;
  const after = window.at(serial.end);
  if (isAlnum(after) || ((after === separator || after === DASH) && isDigit(window.at(serial.end + 1)))) return null;
  if (!isSsn(digitsOf(window, area.start, serial.end))) return null;
  return { start: area.start, end: serial.end, type: 'us_ssn', rule: RULE, score: separator === DASH ? 0.95 : 0.8, strength: VERIFIED };
}

/** Nine digits that the words before call a social security number. */
export function bareSsn(window: Window, group: Group): Candidate | null {
  if (!isSsn(digitsOf(window, group.start, group.end))) return null;
  return { start: group.start, end: group.end, type: 'us_ssn', rule: RULE, score: 0.85, strength: LIKELY };
}
