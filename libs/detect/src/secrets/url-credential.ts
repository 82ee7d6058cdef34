import { AT, COLON, isWhitespace, SLASH } from '../engine/characters.js';
import { CERTAIN, type Candidate, type Window } from '../engine/window.js';

const RULE = 'secret.url_password@2';
const MAX_USER = 48;
const MAX_PASSWORD = 96;

/** Start of the password in `scheme://user:password@host`, given its first `:`; -1 when it is no such URL. RFC 3986 §3.2.1. */
export function urlPasswordStart(window: Window, colon: number): number {
  if (window.at(colon + 1) !== SLASH || window.at(colon + 2) !== SLASH) return -1;
  for (let index = colon + 3; index <= colon + 3 + MAX_USER; index++) {
    const code = window.at(index);
    if (code === COLON) return index + 1;
    if (code < 0 || isEnd(code) || code === AT) return -1;
  }
  return -1;
}

/** The password from `start` to the last `@` of the authority. */
export function urlPassword(window: Window, start: number): Candidate | null {
  let at = -1;
  for (let index = start; index <= start + MAX_PASSWORD; index++) {
    const code = window.at(index);
    if (code === AT) at = index;
    if (code < 0 || (isEnd(code) && !isUnescaped(window, start, index))) break;
  }
  const value = window.text.slice(start, at);
  if (at <= start || /^[$<{[*]/.test(value)) return null;
  return { start, end: at, type: 'secret', rule: RULE, score: 0.9, strength: CERTAIN };
}

/** A `?` or `#` that somebody did not escape in a password; after a port it begins the query or the fragment. */
function isUnescaped(window: Window, start: number, index: number): boolean {
  const code = window.at(index);
  return (code === 63 || code === 35) && !/^\d{0,5}$/.test(window.text.slice(start, index));
}

function isEnd(code: number): boolean {
  return code === SLASH || isWhitespace(code) || code === 34 || code === 39 || code === 60 || code === 62 || code === 63 || code === 35;
}
