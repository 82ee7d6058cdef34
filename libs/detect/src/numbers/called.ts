import { CLOSE_PAREN, COMMA, isAlnum, isLetter, isWhitespace, OPEN_PAREN, SPACE } from '../engine/characters.js';
import type { Window } from '../engine/window.js';

/** What a number may be called by the words behind it. */
export type Called = 'cvv' | 'security code' | 'cusip' | 'account';

/** `218 is the CVV` */
const LINKS = new Set(['is', 'as', 'for', 'was']);
/** `, that is my account` */
const CLAUSES = new Set(['that', 'which', 'this']);
/** `the three-digit code` */
const COUNT = new Set(['three', 'four']);
/** First letters of these, and of "CUSIP". */
const FIRST = new Uint8Array(128);
for (const letter of 'iafwc') FIRST[letter.charCodeAt(0)] = 1;
const BESIDE = new Set([
  'the',
  'my',
  'your',
  'his',
  'her',
  'our',
  'their',
  'a',
  'correct',
  'right',
  'new',
  'card',
  'bank',
  'joint',
  'savings',
]);
/** What a label in brackets may begin with; isIdleNumber() knows these. */
const IN_PAREN = new Set(['the', 'my', 'card']);
const OF_ACCOUNTS = new Set(['bank', 'savings', 'joint']);
const LABELS: ReadonlyMap<string, Called> = new Map([
  ...['cvv', 'cvc', 'cvn', 'cvd', 'csc'].map((word) => [word, 'cvv'] as const),
  ['security', 'security code'],
  ['cusip', 'cusip'],
  ...['account', 'acct', 'checking'].map((word) => [word, 'account'] as const),
]);
/** After "account": anything else makes it another thing ("account manager"). */
const GO_ON = new Set(['number', 'no', 'and', 'to', 'at', 'with', 'in', 'on', 'of', 'not', 'where', 'account']);

const LONGEST = 12;
const MAX_WORDS = 5;
const QUOTES = new Set(Array.from('"\'`', (sign) => sign.charCodeAt(0)));

/**
 * What the words behind the number that ends at `end` call it: `218 (CVV)`, `17275R102 is the CUSIP`, `4419938271 is my account number`; a CUSIP also at
 * the end of a clause, `17275R102 CUSIP`. `asClause`: also `..., that is my account`. Reads at most 72 units further, and stops at the first word that is none of these.
 */
export function calledBehind(window: Window, end: number, asClause = false): Called | null {
  let index = QUOTES.has(window.at(end)) ? end + 1 : end;
  const isClause = asClause && window.at(index) === COMMA;
  if (isClause) index++;
  if (!isBlank(window.at(index))) return null;
  if (isBlank(window.at(++index))) index++;
  const inParen = window.at(index) === OPEN_PAREN;
  if (inParen) index++;
  else if (!isClause && FIRST[window.at(index) | 32] !== 1) return null;
  let isLinked = inParen;
  let isAccount = false;
  for (let words = 0; words < MAX_WORDS; words++) {
    const to = wordEnd(window, index);
    if (to === index || to - index > LONGEST) return null;
    const word = window.text.slice(index, to).toLowerCase();
    const label = LABELS.get(word);
    if (label !== undefined)
      return (isLinked || label === 'cusip') && (!isAccount || label === 'account') ? labelled(window, to, label, inParen, isLinked) : null;
    if (word === 'code' ? window.startsWith(' on the back', to) : COUNT.has(word) && window.startsWith('digit code', to + 1))
      return isLinked && !inParen ? 'security code' : null;
    if (isClause && words === 0) {
      if (!CLAUSES.has(word)) return null;
    } else if (words === (isClause ? 1 : 0) && !inParen) {
      if (!LINKS.has(word)) return null;
      isLinked = true;
    } else if (!BESIDE.has(word)) return null;
    else if (words === 0 && !IN_PAREN.has(word)) {
      // "(savings)", "(joint account)"
      if (!OF_ACCOUNTS.has(word)) return null;
      if (word === 'savings' && window.at(to) === CLOSE_PAREN) return 'account';
      isAccount = true;
    }
    if (window.at(to) !== SPACE) return null;
    index = to + 1;
  }
  return null;
}

function labelled(window: Window, end: number, label: Called, inParen: boolean, isLinked: boolean): Called | null {
  let index = end;
  if (label === 'cvv' && (window.at(index) === 50 || window.at(index) === 49)) index++;
  else if (label === 'security code') {
    if (window.at(index) !== SPACE || !window.startsWith('code', index + 1)) return null;
    index += 5;
  }
  const after = window.at(index);
  if (isAlnum(after)) return null;
  if (inParen) return after === CLOSE_PAREN || after === 44 || after === 59 || (label === 'account' && after === SPACE) ? label : null;
  if (label === 'account' && after === SPACE && isLetter(window.at(index + 1))) {
    const to = wordEnd(window, index + 1);
    return GO_ON.has(window.text.slice(index + 1, to).toLowerCase()) ? label : null;
  }
  // `17275R102 CUSIP`: at the end of a clause only, elsewhere the next value may be meant.
  return isLinked || (after !== SPACE && after !== 58 && after !== 61 && after !== 35 && after !== 9) ? label : null;
}

function wordEnd(window: Window, start: number): number {
  let end = start;
  while (end - start <= LONGEST && isLetter(window.at(end))) end++;
  return end;
}

const isBlank = (code: number): boolean => isWhitespace(code) && code !== 10 && code !== 13;
