import { AT, DASH, DOT, isAlnum, isDomain, isLetter, isLocal } from './characters.js';
import { VERIFIED, type Candidate, type Window } from './window.js';

const RULE = 'email@1';

/** RFC 5321 §4.5.3.1.1; of a longer run the last 64 units count. */
export const MAX_LOCAL = 64;

/** Far above what is in use (RFC 1035 allows 253); bounds what a stream holds back. */
const MAX_DOMAIN = 90;

/** First unit of the local part that ends at the `@`; equal to `at` when there is none. */
export function localStart(window: Window, at: number): number {
  let start = at;
  while (at - start < MAX_LOCAL && isLocal(window.at(start - 1))) start--;
  while (start < at && window.at(start) === DOT) start++;
  return start;
}

/** `local@domain.tld` around the `@`, local part already found to begin at `start`. */
export function email(window: Window, start: number, at: number): Candidate | null {
  if (window.at(at) !== AT || !isAlnum(window.at(at + 1)) || window.at(at - 1) === DOT) return null;
  let end = at + 1;
  while (end - at <= MAX_DOMAIN && isDomain(window.at(end))) end++;
  while (end > at && !isAlnum(window.at(end - 1))) end--;
  const labels = window.text.slice(at + 1, end).split('.');
  while (labels.length > 1 && !isTopLevel(labels[labels.length - 1] as string)) labels.pop();
  if (labels.length < 2 || labels.some((label) => label === '' || label.charCodeAt(0) === DASH || label.endsWith('-'))) return null;
  return { start, end: at + 1 + labels.join('.').length, type: 'email', rule: RULE, score: 1, strength: VERIFIED };
}

function isTopLevel(label: string): boolean {
  return label.length >= 2 && label.length <= 24 && isLetter(label.charCodeAt(0)) && (/^[a-z]+$/i.test(label) || /^xn--/i.test(label));
}
