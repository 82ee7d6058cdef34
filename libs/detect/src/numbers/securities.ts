import type { Context } from '../engine/context.js';
import { isAlnum, isDigit, isUpper } from '../engine/characters.js';
import { CONTEXT_REACH, LIKELY, VERIFIED, type Candidate, type Findings, type Window } from '../engine/window.js';
import type { Wanted } from '../entity-types.js';
import { calledBehind } from './called.js';
import { luhn } from './card.js';
import { COUNTRIES } from './countries.js';
import { allSame, type Group } from './digit-run.js';

const CUSIP_RULE = 'cusip@2';
const ISIN_RULE = 'isin@1';
const CUSIP_LENGTH = 9;
const ISIN_LENGTH = 12;

/** ANSI X9.6: every second value doubled, digits added up, tens complement. */
export function isCusip(word: string): boolean {
  if (!/^[0-9A-Z]{8}[0-9]$/.test(word) || allSame(word)) return false;
  let sum = 0;
  for (let index = 0; index < 8; index++) {
    const code = word.charCodeAt(index);
    const value = (isDigit(code) ? code - 48 : code - 55) * (index % 2 === 0 ? 1 : 2);
    sum += Math.floor(value / 10) + (value % 10);
  }
  return (10 - (sum % 10)) % 10 === word.charCodeAt(8) - 48;
}

/** ISO 6166: letters as two-digit numbers, then Luhn. `XS` is Euroclear and Clearstream, `EU` and `QS` are used likewise. */
export function isIsin(word: string): boolean {
  if (!/^[A-Z]{2}[0-9A-Z]{9}[0-9]$/.test(word)) return false;
  const country = word.slice(0, 2);
  if (!COUNTRIES.has(country) && !['XS', 'EU', 'XA', 'XB', 'XC', 'XD', 'XF', 'QS'].includes(country)) return false;
  return luhn(Array.from(word, (unit) => Number.parseInt(unit, 36)).join(''));
}

/**
 * CUSIPs and ISINs that are written with letters: words of nine or twelve capitals and digits. Looked at once, from their first digits, which stand
 * at `start` to `end`.
 */
export function securitiesAt(window: Window, start: number, end: number, wanted: Wanted, context: Context, findings: Findings): void {
  let from = start;
  while (start - from <= ISIN_LENGTH && isUpper(window.at(from - 1))) from--;
  if (isAlnum(window.at(from - 1))) return;
  // Digits alone are decided as other bare numbers are, unless letters follow.
  if (from === start && !isUpper(window.at(end)) && end < window.text.length) return;
  if (!findings.begin(from)) return;
  let to = end;
  while (to - from <= ISIN_LENGTH && isAlnum(window.at(to))) to++;
  const word = window.text.slice(from, to);
  if (wanted.isin && to - from === ISIN_LENGTH && isIsin(word)) {
    findings.add({ start: from, end: to, type: 'isin', rule: ISIN_RULE, score: 0.9, strength: VERIFIED });
  } else if (wanted.cusip && to - from === CUSIP_LENGTH && /[A-Z]/.test(word) && isCusip(word)) {
    const said = context.says(from, 'cusip')
      ? 0.95
      : isNamed(window, from, to)
        ? 0.9
        : SECURITY.test(window.text.slice(Math.max(0, from - CONTEXT_REACH), from))
          ? 0.6
          : 0.35;
    findings.add({ start: from, end: to, type: 'cusip', rule: CUSIP_RULE, score: said, strength: said > 0.6 ? VERIFIED : LIKELY });
  }
  findings.finish(from);
}

/** Words for what has a CUSIP; too common to make one of digits alone. */
const SECURITY =
  /(?<![a-z])(?:securit(?:y|ies)|bonds?|notes?|debentures?|treasur(?:y|ies)|t?bills?|munis?|isin|sedol|figi|shares|coupon|tranches?|holdings?|positions?|instrument|bought|sold|buy|sell|face|par|issuer)(?![a-z])/i;
/** `sec_id: ` and `security identifier ` directly before. */
const SECURITY_ID = /(?:^|[^a-z])sec(?:urity)?[ _-]?(?:id|identifier)[\s:="'\x60>]{1,4}$/i;
const ID_REACH = 26;

/** Field 48 of a FIX message, SecurityID; or the words directly around. */
function isNamed(window: Window, start: number, end: number): boolean {
  if (window.startsWith('48=', start - 3) && !isAlnum(window.at(start - 4))) return true;
  if (SECURITY_ID.test(window.text.slice(Math.max(0, start - ID_REACH), start))) return true;
  return calledBehind(window, end) === 'cusip';
}

/** Nine digits that the words around call a CUSIP; `said`: those before. */
export function bareCusip(window: Window, group: Group, said: boolean): Candidate | null {
  if (!isCusip(window.text.slice(group.start, group.end))) return null;
  if (!said && !isNamed(window, group.start, group.end)) return null;
  return { start: group.start, end: group.end, type: 'cusip', rule: CUSIP_RULE, score: 0.9, strength: VERIFIED };
}
