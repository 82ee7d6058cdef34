import type { Context } from '../engine/context.js';
import { DASH, isAlnum, isDigit } from '../engine/characters.js';
import { CONTEXT_REACH, LIKELY, type Candidate, type Window } from '../engine/window.js';
import { allSame, continuesGroup, digitsOf, opensNumber, type Group } from './digit-run.js';

const RULE = 'us_ein@1';

/** Two-digit prefixes the IRS has never assigned to a campus. */
const UNASSIGNED = new Set(['00', '07', '08', '09', '17', '18', '19', '28', '29', '49', '69', '70', '78', '79', '89', '96', '97']);

function isEin(digits: string): boolean {
  return digits.length === 9 && !UNASSIGNED.has(digits.slice(0, 2)) && !allSame(digits);
}

/** `12-3456789`: without a word such as "EIN" before it only a weak candidate, because part numbers look the same. */
export function printedEin(window: Window, groups: readonly Group[], context: Context): Candidate | null {
  const [campus, serial] = groups;
  if (campus === undefined || serial === undefined || campus.end - campus.start !== 2 || serial.end - serial.start !== 7) return null;
  if (window.at(campus.end) !== DASH || !opensNumber(window, campus.start) || continuesGroup(window, campus.start)) return null;
  const after = window.at(serial.end);
  if (isAlnum(after) || (after === DASH && isDigit(window.at(serial.end + 1)))) return null;
  if (!isEin(digitsOf(window, campus.start, serial.end))) return null;
  const said = context.says(campus.start, 'ein');
  return { start: campus.start, end: serial.end, type: 'us_ein', rule: RULE, score: said ? 0.9 : 0.3, strength: LIKELY };
}

/** Nine digits that the words before call an employer's number; not when another number stands between, because that one was meant. */
export function bareEin(window: Window, group: Group): Candidate | null {
  if (/\b(?:f?ein|tax|employer)[^\d]*$/i.exec(window.text.slice(Math.max(0, group.start - CONTEXT_REACH), group.start)) === null)
    return null;
  if (!isEin(digitsOf(window, group.start, group.end))) return null;
  return { start: group.start, end: group.end, type: 'us_ein', rule: RULE, score: 0.8, strength: LIKELY };
}
