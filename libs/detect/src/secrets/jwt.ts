import { DOT, isToken } from '../engine/characters.js';
import { STICKY_LIMIT } from './pem.js';
import { VERIFIED, type Candidate, type Window } from '../engine/window.js';

const RULE = 'secret.jwt@1';

/** A header names its algorithm within this many units. */
const HEADER = 512;

/** RFC 7515 / 7516 compact form: base64url JSON header, then one to four more segments. */
export function jwt(window: Window, start: number): Candidate | null {
  let index = start;
  let segments = 0;
  let headerEnd = 0;
  let certain = false;
  while (segments < 5) {
    while (index - start < STICKY_LIMIT && isToken(window.at(index))) {
      index++;
      // Base64 of some other JSON object: do not wait for its end.
      if (segments === 0 && index - start === HEADER && !isJoseHeader(window.text.slice(start, index))) return null;
    }
    if (segments === 0) {
      headerEnd = index;
      certain = headerEnd - start >= 10 && isJoseHeader(window.text.slice(start, Math.min(headerEnd, start + HEADER)));
    }
    segments++;
    if (index - start >= STICKY_LIMIT) break;
    if (window.at(index) !== DOT || !isToken(window.at(index + 1))) break;
    index++;
  }
  if (index - start >= STICKY_LIMIT) {
    return certain || segments > 1
      ? { start, end: index, type: 'secret', rule: RULE, score: 0.8, strength: VERIFIED, more: 'token' }
      : null;
  }
  if (headerEnd - start < 10 || segments < 2 || (segments < 3 && !certain)) return null;
  return { start, end: index, type: 'secret', rule: RULE, score: 0.95, strength: VERIFIED };
}

function isJoseHeader(segment: string): boolean {
  const text = Buffer.from(segment, 'base64url').toString('utf8');
  return text.startsWith('{"') && text.includes('"alg"');
}
