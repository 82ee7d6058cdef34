import { COLON, COMMA, DASH, DOT, isAlnum, isLetter, isUpper, isWhitespace } from '../engine/characters.js';
import { LIKELY, type Candidate, type Window } from '../engine/window.js';
import { GIVEN_NAMES, NOT_NAMES } from './names.js';

const RULE = 'person@1';
const MAX_WORD = 24;
/** Names after the first: middle names, initials, surnames. */
const MAX_MORE = 3;
const LEAD = 32;

/** Stands directly before a name. */
const TITLE = /(?:^|[^A-Za-z])(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Mister|Herr|Frau)\.?\s$/;
const LABEL =
  /(?:^|[^A-Za-z])(?:(?:name|called|named|customer|client|patient|employee|cardholder|beneficiary|applicant|borrower|payee|insured)(?:\s(?:is|was))?[:,]?|(?:I am|I'm|this is|dear|hi|hello|signed|regards|sincerely|attn|contact)[:,]?)\s$/i;

/** A name: told by a title or a word such as "customer" before it, or by a common given name with another name behind it. */
export function person(window: Window, start: number): Candidate | null {
  const first = nameEnd(window, start);
  if (first < 0) return null;
  const word = window.text.slice(start, first);
  if (NOT_NAMES.has(word.toLowerCase())) return null;
  const told = mayBeTold(window.text, start);
  const before = told ? window.text.slice(Math.max(0, start - LEAD), start) : '';
  const titled = told && TITLE.test(before);
  const labelled = titled || (told && LABEL.test(before));
  const given = GIVEN_NAMES.has(word.toLowerCase());
  if (!labelled && !given) return null;
  const end = moreEnd(window, first);
  if (!titled && !given && end === first) return null;
  const score = titled ? 0.7 : given && end > first ? 0.6 : labelled ? 0.5 : 0.3;
  return { start, end, type: 'person', rule: RULE, score, strength: LIKELY };
}

/** The last words of titles and labels, lower case. */
const LAST_WORDS = new Set(
  (
    'mr mrs ms miss mx dr prof sir madam mister herr frau name called named customer client patient employee cardholder beneficiary applicant ' +
    'borrower payee insured is was am m dear hi hello signed regards sincerely attn contact'
  ).split(' '),
);
/** Of these, by length and first letter; LAST_REACH is the longest. */
const LAST_LOOKS = new Uint8Array(16 * 32);
for (const word of LAST_WORDS) LAST_LOOKS[word.length * 32 + (word.charCodeAt(0) & 31)] = 1;
const LAST_REACH = 11;

/** The cheap test before the expressions: white space before the name, and before it one of their last words. */
function mayBeTold(text: string, start: number): boolean {
  const gap = text.charCodeAt(start - 1);
  // What else `\s` takes is none of ASCII.
  if (!(isWhitespace(gap) || gap >= 128)) return false;
  let end = start - 1;
  const sign = text.charCodeAt(end - 1);
  if (sign === DOT || sign === COLON || sign === COMMA) end--;
  let word = end;
  while (end - word <= LAST_REACH && isLetter(text.charCodeAt(word - 1))) word--;
  const length = end - word;
  if (length === 0 || length > LAST_REACH || LAST_LOOKS[length * 32 + (text.charCodeAt(word) & 31)] === 0) return false;
  return LAST_WORDS.has(text.slice(word, end).toLowerCase());
}

/** Further capitalised words and initials. */
function moreEnd(window: Window, from: number): number {
  let end = from;
  for (let count = 0; count < MAX_MORE; count++) {
    if (window.at(end) !== 32) break;
    const start = end + 1;
    if (isUpper(window.at(start)) && window.at(start + 1) === DOT && window.at(start + 2) === 32 && isUpper(window.at(start + 3))) {
      end = start + 2;
      continue;
    }
    const next = nameEnd(window, start);
    if (next < 0 || NOT_NAMES.has(window.text.slice(start, next).toLowerCase())) break;
    end = next;
  }
  return window.text.charCodeAt(end - 1) === DOT ? end - 1 : end;
}

/** End of a capitalised word that goes on in small letters (`O'Neil`, `Smith-Jones`); -1 when none stands here. */
function nameEnd(window: Window, start: number): number {
  if (!isUpper(window.at(start))) return -1;
  let end = start + 1;
  let small = 0;
  while (end - start <= MAX_WORD && isNameUnit(window, end)) {
    const code = window.at(end);
    if (code > 127 || (code >= 97 && code <= 122)) small++;
    end++;
  }
  return small === 0 || end - start > MAX_WORD || isAlnum(window.at(end)) || window.at(end) === 95 ? -1 : end;
}

/** A letter; an apostrophe or hyphen only before another letter. */
function isNameUnit(window: Window, at: number): boolean {
  const code = window.at(at);
  if (isLetter(code) || (code >= 0xc0 && code < 0x250)) return true;
  return (code === 39 || code === DASH) && isUpper(window.at(at + 1));
}
