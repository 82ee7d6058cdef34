import { AT, COLON, DASH, DOT, SLASH, isAlnum, isDigit, isHex, isLocal, OPEN_PAREN, PLUS } from './characters.js';
import type { Wanted } from '../entity-types.js';
import { Context } from './context.js';
import { email, localStart, MAX_LOCAL } from './email.js';
import { Findings, LOOKBACK, type Window } from './window.js';
import { ipv6, ipv6Start } from '../numbers/ip.js';
import { numbersAt } from '../numbers/numbers.js';
import { assigned, assignment, bearerStart } from '../secrets/assignment.js';
import { jwt } from '../secrets/jwt.js';
import { pem } from '../secrets/pem.js';
import { mayEndPrefix, token, tokenStarts, TOKEN_TAIL } from '../secrets/tokens.js';
import { inQuotesOrGap } from '../secrets/value.js';
import { urlPassword, urlPasswordStart } from '../secrets/url-credential.js';

const EQUALS = 61;
const UNDERSCORE = 95;
const CAPITAL_A = 65;
const CAPITAL_B = 66;
const CAPITAL_J = 74;

/** Codes at which some rule must look closer; everything else is skipped at one table look-up per unit. */
export function triggersOf(wanted: Wanted): Uint8Array {
  const triggers = new Uint8Array(256);
  const set = (characters: string): void => {
    for (const character of characters) triggers[character.charCodeAt(0)] = 1;
  };
  if (wanted.overflow !== null || wanted.phone || wanted.ip) set('0123456789');
  if (wanted.email) set('@');
  if (wanted.ip) set(':');
  if (wanted.secret) set('_-.AJB=:');
  return triggers;
}

/** Units looked through at once. Their low bytes are copied out first, because bytes are read several times as fast as units of a string. */
const BLOCK = 1 << 16;
const lowBytes = Buffer.alloc(BLOCK);
const SMALL = 512;

/** Finds every candidate that starts at or after `window.from`, and the first start that later text may still change. */
export function collect(window: Window, wanted: Wanted, triggers: Uint8Array): Findings {
  const findings = new Findings(window);
  const context = new Context(window.text);
  const from = Math.max(0, window.from - LOOKBACK);
  if (window.end - from <= SMALL) collectSmall(window, from, wanted, triggers, context, findings);
  else {
    for (let block = from; block < window.end;) {
      const length = lowBytes.write(window.text.slice(block, block + BLOCK), 0, BLOCK, 'latin1');
      let at = 0;
      for (;;) {
        while (at < length && triggers[lowBytes[at] as number] === 0) at++;
        if (at >= length) break;
        if (isIdle(at, length, wanted)) at++;
        else at = closer(window, block + at, wanted, context, findings) - block;
      }
      block += at;
    }
  }
  if (!window.final) holdTail(window, wanted, findings);
  return findings;
}

/** Last letters of the words a secret is assigned to; see assignment(). */
const KEY_LETTERS = new Set(Array.from('desyntl', (letter) => letter.charCodeAt(0)));

/** True when the bytes around a sign show that no secret or address is near: most dots, dashes and equals signs of a text. */
function isIdle(at: number, length: number, wanted: Wanted): boolean {
  if (at < 4 || at + 2 >= length) return false;
  const code = lowBytes[at] as number;
  if (code === DOT || code === DASH || code === UNDERSCORE) {
    if (mayEndPrefix(lowBytes[at - 2] as number, lowBytes[at - 1] as number)) return false;
    return code !== DASH || lowBytes[at + 1] !== DASH;
  }
  if (code === EQUALS || code === COLON) {
    if (code === COLON && (wanted.ip || lowBytes[at + 1] === SLASH)) return false;
    let end = at - 1;
    while (end > at - 4 && inQuotesOrGap(lowBytes[end] as number)) end--;
    return !KEY_LETTERS.has((lowBytes[end] as number) | 32);
  }
  if (code === CAPITAL_A) return !mayEndPrefix(lowBytes[at + 1] as number, lowBytes[at + 2] as number);
  if (code === CAPITAL_B) return lowBytes[at + 1] !== 101;
  return code === CAPITAL_J && lowBytes[at - 1] !== 121;
}

/** The same for the few units of a stream's piece, where copying would cost more than it saves. */
function collectSmall(window: Window, from: number, wanted: Wanted, triggers: Uint8Array, context: Context, findings: Findings): void {
  const { text, end } = window;
  for (let index = from; index < end;) {
    const code = text.charCodeAt(index);
    index = code > 127 || triggers[code] === 0 ? index + 1 : closer(window, index, wanted, context, findings);
  }
}

/** Runs the rules the unit at `index` calls for; gives where to go on. */
function closer(window: Window, index: number, wanted: Wanted, context: Context, findings: Findings): number {
  const code = window.text.charCodeAt(index);
  if (code >= 48 && code <= 57) {
    return isDigit(window.at(index - 1)) ? index + 1 : numbersAt(window, index, wanted, context, findings);
  }
  if (code === AT && wanted.email) {
    const start = localStart(window, index);
    if (start < index && findings.begin(start)) {
      findings.add(email(window, start, index));
      findings.finish(start);
    }
  } else if (code < 128) {
    if (wanted.secret) secretsAt(window, index, code, findings);
    if (code === COLON && wanted.ip) ipv6At(window, index, findings);
  }
  return index + 1;
}

function ipv6At(window: Window, colon: number, findings: Findings): void {
  const start = ipv6Start(window, colon);
  if (!findings.begin(start)) return;
  findings.add(ipv6(window, start));
  findings.finish(start);
}

function secretsAt(window: Window, index: number, code: number, findings: Findings): void {
  if (code === EQUALS || code === COLON) {
    const value = assignment(window, index);
    if (value !== null && value.start < window.end) assignedAt(window, value.start, value.password, findings);
    if (code === COLON) {
      const start = urlPasswordStart(window, index);
      if (start >= 0 && findings.begin(start)) {
        findings.add(urlPassword(window, start));
        findings.finish(start);
      }
    }
  } else if (code === CAPITAL_J) {
    const start = index - 2;
    if (window.at(index - 1) !== 121 || window.at(start) !== 101 || isWordUnit(window.at(start - 1)) || !findings.begin(start)) return;
    findings.add(jwt(window, start));
    findings.finish(start);
  } else if (code === CAPITAL_B) {
    const start = bearerStart(window, index);
    if (start >= 0 && !isAlnum(window.at(index - 1))) assignedAt(window, start, false, findings);
  } else {
    for (const start of tokenStarts(window, index, code)) {
      if (!findings.begin(start)) continue;
      findings.add(token(window, start));
      findings.finish(start);
    }
    if (code === DASH && window.at(index - 1) !== DASH && findings.begin(index)) {
      findings.add(pem(window, index));
      findings.finish(index);
    }
  }
}

function assignedAt(window: Window, start: number, password: boolean, findings: Findings): void {
  if (!findings.begin(start)) return;
  findings.add(assigned(window, start, password));
  findings.finish(start);
}

const isWordUnit = (code: number): boolean => isAlnum(code) || code === 95 || code === DASH;

/** Holds what may be the beginning of a value whose telling sign (`@`, a digit, a prefix's end) has not come yet. */
function holdTail(window: Window, wanted: Wanted, findings: Findings): void {
  const { end } = window;
  const limit = wanted.email ? MAX_LOCAL : wanted.secret ? TOKEN_TAIL : wanted.iban ? 3 : 0;
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
  // Half a surrogate pair cannot be released.
  if (end > 0 && (window.text.charCodeAt(end - 1) & 0xfc00) === 0xd800) start = Math.min(start, end - 1);
  if (start < end) findings.hold(start);
}
