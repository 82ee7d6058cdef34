import { AT, COLON, DASH, isAlnum, isDigit, isUpper } from './characters.js';
import type { Wanted } from '../entity-types.js';
import type { Context } from './context.js';
import { cuesAt } from './cues.js';
import { email, localStart } from './email.js';
import type { Findings, Window } from './window.js';
import { person } from '../free-text/person.js';
import { ipv6, ipv6Start } from '../numbers/ip.js';
import { numbersAt } from '../numbers/numbers.js';
import { assigned, assignment, bearerStart, curlPasswordStart } from '../secrets/assignment.js';
import { jwt } from '../secrets/jwt.js';
import { pem } from '../secrets/pem.js';
import { TOKEN_TRIGGERS, tokensAt } from '../secrets/tokens.js';
import { urlPassword, urlPasswordStart } from '../secrets/url-credential.js';

const EQUALS = 61;
const DIGIT_NINE = 57;
const CAPITAL_B = 66;
const CAPITAL_J = 74;

const TOKEN_SIGNS = new Uint8Array(256);
for (const sign of TOKEN_TRIGGERS) TOKEN_SIGNS[sign.charCodeAt(0)] = 1;

/** What the rules look at, and where they put what they find. */
export interface Look {
  readonly window: Window;
  readonly wanted: Wanted;
  readonly context: Context;
  readonly findings: Findings;
}

/** Runs the rules the unit at `index` calls for; gives where to go on. */
export function lookCloser({ window, wanted, context, findings }: Look, index: number): number {
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
