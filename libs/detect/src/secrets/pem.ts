import { isAlnum, isWhitespace } from '../engine/characters.js';
import { VERIFIED, type Candidate, type Window } from '../engine/window.js';

const RULE = 'secret.private_key@1';
const BEGIN = '-----BEGIN ';
const END = '-----END ';

/** Longest value masked as one span; an RSA key of 16,384 bits takes 12,800 units. Longer ones are masked piece by piece. */
export const STICKY_LIMIT = 16_384;

const MAX_LABEL = 48;

/** A private key in PEM (RFC 7468 §2). Without its end it reaches as far as lines of base64 do. */
export function pem(window: Window, start: number): Candidate | null {
  if (!window.startsWith(BEGIN, start)) return null;
  const body = labelEnd(window, start + BEGIN.length);
  if (body < 0 || !window.text.slice(start, body).includes('PRIVATE KEY')) return null;
  const limit = start + STICKY_LIMIT;
  const close = window.text.indexOf(END, body);
  if (close >= 0 && close < limit) {
    const end = labelEnd(window, close + END.length);
    if (end >= 0) return { start, end, type: 'secret', rule: RULE, score: 1, strength: VERIFIED };
    if (window.touched) return null;
  }
  // The end marker must be whole in view before its absence counts.
  window.at(limit + END.length + MAX_LABEL + 5);
  const end = base64End(window, body, limit);
  return { start, end, type: 'secret', rule: RULE, score: 0.9, strength: VERIFIED, ...(end === limit ? { more: 'pem' as const } : {}) };
}

/** End of `LABEL-----`, or -1. */
function labelEnd(window: Window, from: number): number {
  let index = from;
  while (index - from < MAX_LABEL && (isAlnum(window.at(index)) || window.at(index) === 32)) index++;
  return window.startsWith('-----', index) ? index + 5 : -1;
}

/** End of the lines of base64 from `from`: words of 16 or more signs, and one shorter last word after them. */
export function base64End(window: Window, from: number, limit: number): number {
  let end = from;
  for (let index = from; index < limit;) {
    while (index < limit && isGap(window, index)) index++;
    const word = index;
    while (index < limit && isBase64(window.at(index))) index++;
    if (index - word >= 16) end = index;
    else {
      if (index > word && end > from) end = index;
      break;
    }
    if (index >= limit) return limit;
  }
  return end;
}

/** White space, or the `\n` of a key inside a JSON or shell string. */
function isGap(window: Window, index: number): boolean {
  const code = window.at(index);
  if (isWhitespace(code) || code === 92) return true;
  return (code === 110 || code === 114) && window.at(index - 1) === 92;
}

function isBase64(code: number): boolean {
  return isAlnum(code) || code === 43 || code === 47 || code === 61;
}
