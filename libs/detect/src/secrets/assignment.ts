import { AT, COLON, DOT, isToken, isWhitespace, SPACE } from '../engine/characters.js';
import { endsInKeyWord } from './key-words.js';
import { MAX_VALUE, inQuotesOrGap, isValueUnit, looksSecret, QUOTES } from './value.js';
import { LIKELY, type Candidate, type Window } from '../engine/window.js';

const RULE = 'secret.assignment@2';

/** Units between a key word's end and the sign: a closing quote, spaces. */
const KEY_GAP = 3;
/** Units between the sign and the value. */
const VALUE_GAP = 4;
const KEY_REACH = 40;
const EQUALS = 61;

/** What a secret is called: the text before the sign ends with it. The first group: names of passwords, which need less randomness. */
const KEY =
  /(?:(pass(?:word|wd|phrase|code)|pwd|(?<![a-z])pass)|(?:api|app|application|access|secret|private|auth|signing|signature|encryption|master|account|storage|subscription|license|client|shared|deploy|webhook)[_ -]?(?:key|token|secret)|secret|token|authorization|credentials?|[?&](?:sig|x-(?:amz|goog)-signature))$/i;

/** Start of the value assigned by the `=` or `:` at `sign`, and whether its name is a password's; null when it is no assignment of a secret. */
export function assignment(window: Window, sign: number): { readonly start: number; readonly password: boolean } | null {
  const code = window.text.charCodeAt(sign);
  if (code === 58 && window.at(sign + 1) === 47) return null;
  let keyEnd = sign;
  while (sign - keyEnd < KEY_GAP && inQuotesOrGap(window.at(keyEnd - 1))) keyEnd--;
  if (!endsInKeyWord(window.text, keyEnd)) return null;
  const key = KEY.exec(window.text.slice(Math.max(0, keyEnd - KEY_REACH), keyEnd));
  if (key === null) return null;
  let start = sign + 1;
  if (window.at(start) === 61 || window.at(start) === 62) start++;
  const gap = start;
  while (start - gap < VALUE_GAP && inQuotesOrGap(window.at(start))) start++;
  if (inQuotesOrGap(window.at(start))) return null;
  for (const scheme of SCHEMES) {
    if (window.startsWith(scheme, start) && window.at(start + scheme.length) === SPACE) {
      return { start: start + scheme.length + 1, password: false };
    }
  }
  return { start, password: key[1] !== undefined };
}

/** Of an Authorization header; SSWS is Okta's. */
const SCHEMES = ['Bearer', 'Basic', 'Token', 'bearer', 'basic', 'token', 'SSWS', 'ApiKey', 'GenieKey'];

/** The value that begins at `start`: up to white space, a closing quote or a delimiter. */
export function assigned(window: Window, start: number, password: boolean): Candidate | null {
  const opening = window.at(start - 1);
  const quoted = QUOTES.includes(opening);
  let end = start;
  while (end - start < MAX_VALUE + 1) {
    const code = window.at(end);
    if (code < 0 || isWhitespace(code) || (quoted ? code === opening || QUOTES.includes(code) : !isValueUnit(code))) break;
    end++;
  }
  // The backslash of an escaped closing quote.
  if (quoted && window.text.charCodeAt(end - 1) === 92) end--;
  const value = window.text.slice(start, end);
  if (!looksSecret(value, password, quoted)) return null;
  if (end - start > MAX_VALUE) {
    return { start, end: start + MAX_VALUE, type: 'secret', rule: RULE, score: 0.7, strength: LIKELY, more: 'value' };
  }
  return { start, end, type: 'secret', rule: RULE, score: password ? 0.8 : 0.75, strength: LIKELY };
}

/** `Bearer <token>`, `Basic <token>` outside an assignment: start of the token whose scheme begins at `trigger`. */
export function bearerStart(window: Window, trigger: number): number {
  if (window.at(trigger + 1) === 101) return window.startsWith('earer ', trigger + 1) ? trigger + 7 : -1;
  return window.startsWith('asic ', trigger + 1) ? trigger + 6 : -1;
}

const MAX_USER = 48;

/** `-u name:password`, `--user "name:password"` as curl takes them: start of the password; -1 when nothing of that kind begins at the dash. */
export function curlPasswordStart(window: Window, dash: number): number {
  const before = window.at(dash - 1);
  if (before >= 0 && !isWhitespace(before)) return -1;
  let index = window.startsWith('-u ', dash) ? dash + 3 : window.startsWith('--user', dash) ? dash + 7 : -1;
  if (index < 0 || (index === dash + 7 && window.at(dash + 6) !== SPACE && window.at(dash + 6) !== EQUALS)) return -1;
  if (QUOTES.includes(window.at(index))) index++;
  const name = index;
  while (index - name < MAX_USER && (isToken(window.at(index)) || window.at(index) === AT || window.at(index) === DOT)) index++;
  return index > name && window.at(index) === COLON ? index + 1 : -1;
}
