import { AT, COLON, DASH, DOT, SLASH, SPACE, isAlnum, isDigit, isUpper } from './characters.js';
import type { Wanted } from '../entity-types.js';
import type { Assessor } from '../port.js';
import { Context } from './context.js';
import { CUE_LETTERS, cuesAt } from './cues.js';
import { email, localStart } from './email.js';
import { holdTail } from './tail.js';
import { Findings, LOOKBACK, type Window } from './window.js';
import { person } from '../free-text/person.js';
import { ipv6, ipv6Start } from '../numbers/ip.js';
import { numbersAt } from '../numbers/numbers.js';
import { assigned, assignment, bearerStart, curlPasswordStart } from '../secrets/assignment.js';
import { jwt } from '../secrets/jwt.js';
import { pem } from '../secrets/pem.js';
import { mayBeginPrefix, mayEndPrefix, TOKEN_TRIGGERS, tokensAt } from '../secrets/tokens.js';
import { inQuotesOrGap } from '../secrets/value.js';
import { urlPassword, urlPasswordStart } from '../secrets/url-credential.js';

const EQUALS = 61;
const UNDERSCORE = 95;
const DIGIT_NINE = 57;
const CAPITAL_A = 65;
const CAPITAL_B = 66;
const CAPITAL_J = 74;
const SMALL_U = 117;

/** Codes at which some rule must look closer; everything else is skipped at one table look-up per unit. */
export function triggersOf(wanted: Wanted): Uint8Array {
  const triggers = new Uint8Array(256);
  const set = (characters: string): void => {
    for (const character of characters) triggers[character.charCodeAt(0)] = 1;
  };
  if (wanted.digits) set('0123456789');
  if (wanted.cvv) set(CUE_LETTERS.cvv);
  if (wanted.bic) set(CUE_LETTERS.bic);
  if (wanted.birth) set(CUE_LETTERS.birth);
  if (wanted.person) set('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  if (wanted.email) set('@');
  if (wanted.ip) set(':');
  if (wanted.secret) set(`_-.AJB=:${TOKEN_TRIGGERS}`);
  return triggers;
}

/** Units looked through at once. Their low bytes are copied out first, because bytes are read several times as fast as units of a string. */
const BLOCK = 1 << 16;
const lowBytes = Buffer.alloc(BLOCK);
const SMALL = 512;

/** Finds every candidate that starts at or after `window.from`, and the first start that later text may still change. */
export function collect(window: Window, wanted: Wanted, triggers: Uint8Array, assessor: Assessor | null): Findings {
  const findings = new Findings(window, assessor);
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

const TOKEN_SIGNS = new Uint8Array(256);
for (const sign of TOKEN_TRIGGERS) TOKEN_SIGNS[sign.charCodeAt(0)] = 1;

/** Last letters of the words a secret is assigned to; see assignment(). */
const KEY_LETTERS = new Set(Array.from('desyntlg', (letter) => letter.charCodeAt(0)));

/** True when the bytes around a sign show that no secret or address is near: most dots, dashes and equals signs of a text. */
function isIdle(at: number, length: number, wanted: Wanted): boolean {
  if (at < 4 || at + 2 >= length) return false;
  const code = lowBytes[at] as number;
  if (code === DOT || code === DASH || code === UNDERSCORE) {
    if (mayEndPrefix(lowBytes[at - 2] as number, lowBytes[at - 1] as number)) return false;
    return code !== DASH || (lowBytes[at + 1] !== DASH && !(lowBytes[at + 1] === SMALL_U && lowBytes[at + 2] === SPACE));
  }
  if (code === EQUALS || code === COLON) {
    if (code === COLON && (wanted.ip || lowBytes[at + 1] === SLASH)) return false;
    let end = at - 1;
    while (end > at - 4 && inQuotesOrGap(lowBytes[end] as number)) end--;
    return !KEY_LETTERS.has((lowBytes[end] as number) | 32);
  }
  if (code > DIGIT_NINE && isCueOrName(code, at, wanted)) return false;
  if (code > DIGIT_NINE && isTokenSign(code, at, wanted)) return false;
  if (code === CAPITAL_A) return true;
  if (code === CAPITAL_B) return lowBytes[at + 1] !== 101 && lowBytes[at + 1] !== 97;
  return code === CAPITAL_J ? lowBytes[at - 1] !== 121 : code > CAPITAL_J;
}

/** A letter whose neighbours are those of a token's prefix. */
function isTokenSign(code: number, at: number, wanted: Wanted): boolean {
  if (!wanted.secret || TOKEN_SIGNS[code] === 0) return false;
  return (
    mayEndPrefix(lowBytes[at - 2] as number, lowBytes[at - 1] as number) ||
    mayBeginPrefix(lowBytes[at + 1] as number, lowBytes[at + 2] as number)
  );
}

/** A letter that may belong to a word which tells a value (cuesAt), or begin a name. */
function isCueOrName(code: number, at: number, wanted: Wanted): boolean {
  if (wanted.person && isUpper(code) && !isAlnum(lowBytes[at - 1] as number)) return true;
  const before = (lowBytes[at - 1] as number) | 32;
  const after = (lowBytes[at + 1] as number) | 32;
  switch (code | 32) {
    case 98: // b: bic, birth, born, dob
      return (wanted.bic || wanted.birth) && (after === 105 || after === 111 || before === 111 || before === DOT);
    case 118: // v: cvv, card verification
      return wanted.cvv && (before === 99 || (after === 101 && (lowBytes[at + 2] as number | 32) === 114));
    case 119: // w: swift
      return wanted.bic && before === 115 && after === 105;
    case 121: // y: security code
      return wanted.cvv && before === 116 && ((lowBytes[at + 2] as number) | 32) === 99;
    default:
      return false;
  }
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
    if (code > DIGIT_NINE) {
      if (wanted.cvv || wanted.bic || wanted.birth) cuesAt(window, index, code, wanted, findings);
      if (wanted.person && isUpper(code)) personAt(window, index, findings);
    }
  }
  return index + 1;
}

function personAt(window: Window, start: number, findings: Findings): void {
  if (isAlnum(window.at(start - 1)) || !findings.begin(start)) return;
  findings.add(person(window, start));
  findings.finish(start);
}

function ipv6At(window: Window, colon: number, findings: Findings): void {
  const start = ipv6Start(window, colon);
  if (!findings.begin(start)) return;
  findings.add(ipv6(window, start));
  findings.finish(start);
}

function secretsAt(window: Window, index: number, code: number, findings: Findings): void {
  if (TOKEN_SIGNS[code] === 1) tokensAt(window, index, findings);
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
  } else if (code === DASH && window.at(index - 1) !== DASH) {
    if (findings.begin(index)) {
      findings.add(pem(window, index));
      findings.finish(index);
    }
    const start = curlPasswordStart(window, index);
    if (start >= 0 && start < window.end) assignedAt(window, start, true, findings);
  }
}

function assignedAt(window: Window, start: number, password: boolean, findings: Findings): void {
  if (!findings.begin(start)) return;
  findings.add(assigned(window, start, password));
  findings.finish(start);
}

const isWordUnit = (code: number): boolean => isAlnum(code) || code === 95 || code === DASH;
