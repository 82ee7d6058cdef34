import type { Wanted } from '../entity-types.js';
import { TOKEN_TAIL } from '../secrets/tokens.js';
import { isHex, isLocal, OPEN_PAREN, PLUS } from './characters.js';
import { MAX_LOCAL } from './email.js';
import type { Findings, Window } from './window.js';

const PERCENT = 37;
const SEMICOLON = 59;
const SMALL_B = 98;

/** Holds what may be the beginning of a value whose telling sign (`@`, a digit, a prefix's end) has not come yet. */
export function holdTail(window: Window, wanted: Wanted, findings: Findings): void {
  const { end } = window;
  const limit = wanted.email
    ? MAX_LOCAL
    : Math.max(wanted.secret ? TOKEN_TAIL : 0, wanted.isin || wanted.cusip ? 13 : 0, wanted.iban ? 3 : 0);
  let start = end;
  while (end - start < limit && isLocal(window.at(start - 1))) start--;
  if (wanted.ip) {
    let word = end;
    while (end - word < 5 && isHex(window.at(word - 1))) word--;
    start = Math.min(start, word);
  }
  if (wanted.phone) {
    let sign = end;
    while (end - sign < 2 && (window.at(sign - 1) === PLUS || window.at(sign - 1) === OPEN_PAREN)) sign--;
    start = Math.min(start, sign);
  }
  if (wanted.card) start = Math.min(start, sentinel(window, end));
  // Half a surrogate pair cannot be released.
  if (end > 0 && (window.text.charCodeAt(end - 1) & 0xfc00) === 0xd800) start = Math.min(start, end - 1);
  if (start < end) findings.hold(start);
}

/** Start of a magnetic stripe's `%B` or `;` whose digits have not come yet. */
function sentinel(window: Window, end: number): number {
  const last = window.at(end - 1);
  if (last === PERCENT || last === SEMICOLON) return end - 1;
  return (last | 32) === SMALL_B && window.at(end - 2) === PERCENT ? end - 2 : end;
}
