import { AT, COLON, DASH, isAlnum, isDigit, isHex, isLocal, OPEN_PAREN, PLUS } from './characters.js';
import { Context } from './context.js';
import { email, localStart, MAX_LOCAL } from './email.js';
import { Findings, LOOKBACK, type Candidate, type Window } from './window.js';
import { ipv6, ipv6Start } from '../numbers/ip.js';
import { numbersAt } from '../numbers/numbers.js';
import { assigned, assignment, bearerStart } from '../secrets/assignment.js';
import { jwt } from '../secrets/jwt.js';
import { pem } from '../secrets/pem.js';
import { token, tokenStarts, TOKEN_TAIL } from '../secrets/tokens.js';
import { urlPassword, urlPasswordStart } from '../secrets/url-credential.js';

const NUMBERS = ['credit_card', 'iban', 'us_ssn', 'us_aba_routing', 'us_bank_account', 'phone', 'ip_address'];

/** ASCII codes at which some rule of these types must look closer; everything else is skipped at one table look-up per unit. */
export function triggersOf(types: ReadonlySet<string>): Uint8Array {
  const triggers = new Uint8Array(128);
  const set = (characters: string): void => {
    for (const character of characters) triggers[character.charCodeAt(0)] = 1;
  };
  if (NUMBERS.some((type) => types.has(type))) set('0123456789');
  if (types.has('email')) set('@');
  if (types.has('ip_address')) set(':');
  if (types.has('secret')) set('_-.AJB=:');
  return triggers;
}

/** Finds every candidate that starts at or after `window.from`, and the first start that later text may still change. */
export function collect(window: Window, types: ReadonlySet<string>, triggers: Uint8Array): Findings {
  const findings = new Findings(window);
  const context = new Context(window.text);
  const { text, end } = window;
  const secrets = types.has('secret');
  for (let index = Math.max(0, window.from - LOOKBACK); index < end; index++) {
    const code = text.charCodeAt(index);
    if (code > 127 || triggers[code] === 0) continue;
    if (code >= 48 && code <= 57) {
      if (!isDigit(window.at(index - 1))) index = numbersAt(window, index, types, context, findings) - 1;
    } else if (code === AT) {
      const start = localStart(window, index);
      if (start < index && start >= window.from) findings.decide(start, (found) => add(found, email(window, start, index)));
    } else {
      if (secrets) secretsAt(window, index, code, findings);
      if (code === COLON && types.has('ip_address')) ipv6At(window, index, findings);
    }
  }
  if (!window.final) holdTail(window, types, findings);
  return findings;
}

function ipv6At(window: Window, colon: number, findings: Findings): void {
  const start = ipv6Start(window, colon);
  if (start >= window.from) findings.decide(start, (found) => add(found, ipv6(window, start)));
}

function secretsAt(window: Window, index: number, code: number, findings: Findings): void {
  if (code === 61 || code === COLON) {
    window.touched = false;
    const value = assignment(window, index);
    if (value !== null && value.start < window.end && value.start >= window.from) {
      findings.decide(value.start, (found) => add(found, assigned(window, value.start, value.password)));
    }
    if (code === COLON) {
      const start = urlPasswordStart(window, index);
      if (start >= window.from) findings.decide(start, (found) => add(found, urlPassword(window, start)));
    }
  } else if (code === 74) {
    if (window.at(index - 1) === 121 && window.at(index - 2) === 101 && !isWordUnit(window.at(index - 3))) {
      findings.decide(index - 2, (found) => add(found, jwt(window, index - 2)));
    }
  } else if (code === 66) {
    const start = bearerStart(window, index);
    if (start >= window.from && !isAlnum(window.at(index - 1)))
      findings.decide(start, (found) => add(found, assigned(window, start, false)));
  } else {
    for (const start of tokenStarts(window, index)) findings.decide(start, (found) => add(found, token(window, start)));
    if (code === DASH && window.at(index - 1) !== DASH) findings.decide(index, (found) => add(found, pem(window, index)));
  }
}

const isWordUnit = (code: number): boolean => isAlnum(code) || code === 95 || code === DASH;

/** Holds what may be the beginning of a value whose telling sign (`@`, a digit, a prefix's end) has not come yet. */
function holdTail(window: Window, types: ReadonlySet<string>, findings: Findings): void {
  const { end } = window;
  const limit = types.has('email') ? MAX_LOCAL : types.has('secret') ? TOKEN_TAIL : types.has('iban') ? 3 : 0;
  let start = end;
  while (end - start < limit && isLocal(window.at(start - 1))) start--;
  if (types.has('ip_address')) {
    let word = end;
    while (end - word < 5 && isHex(window.at(word - 1))) word--;
    start = Math.min(start, word);
  }
  if (types.has('phone')) {
    let sign = end;
    while (end - sign < 2 && (window.at(sign - 1) === PLUS || window.at(sign - 1) === OPEN_PAREN)) sign--;
    start = Math.min(start, sign);
  }
  // Half a surrogate pair cannot be released.
  if (end > 0 && (window.text.charCodeAt(end - 1) & 0xfc00) === 0xd800) start = Math.min(start, end - 1);
  if (start < end) findings.hold(start);
}

function add(found: Candidate[], candidate: Candidate | null): void {
  if (candidate !== null) found.push(candidate);
}
