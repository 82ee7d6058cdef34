import { COMMA, DASH, DOT, HASH, isAlnum, isLetter, isUpper, isWhitespace, SLASH } from '../engine/characters.js';
import { LIKELY, type Candidate, type Findings, type Window } from '../engine/window.js';
import { digitsEnd } from '../numbers/digit-run.js';

const RULE = 'street_address@1';

const MAX_WORDS = 5;
const MAX_WORD = 24;

const SUFFIXES = new Set(
  (
    'street st avenue ave av road rd boulevard blvd lane ln drive dr court ct place pl square sq terrace ter way parkway pkwy circle cir highway hwy ' +
    'trail trl alley row walk crescent cres close loop plaza turnpike pike path ridge point run'
  ).split(' '),
);
const DIRECTIONS = new Set(['n', 's', 'e', 'w', 'ne', 'nw', 'se', 'sw', 'north', 'south', 'east', 'west']);
const UNITS = new Set(['apt', 'apartment', 'suite', 'ste', 'unit', 'floor', 'fl', 'room', 'rm', 'bldg', 'building', 'box']);

/** A house number, one to five capitalised words of which the last is a kind of street, and unit, city, state and ZIP code as far as they follow. */
export function addressAt(window: Window, start: number, end: number, findings: Findings): void {
  const before = window.at(start - 1);
  if (isAlnum(before) || before === DOT || before === DASH || before === SLASH || before === HASH || before === COMMA) return;
  if (!isWhitespace(window.at(end)) && end < window.text.length && !isLetter(window.at(end))) return;
  if (!findings.begin(start)) return;
  findings.add(address(window, start, end));
  findings.finish(start);
}

function address(window: Window, start: number, end: number): Candidate | null {
  const street = streetEnd(window, houseEnd(window, end));
  if (street < 0) return null;
  const after = cityEnd(window, unitEnd(window, street));
  return { start, end: after, type: 'street_address', rule: RULE, score: after > street ? 0.7 : 0.5, strength: LIKELY };
}

/** `12B` */
function houseEnd(window: Window, end: number): number {
  return isLetter(window.at(end)) && !isAlnum(window.at(end + 1)) ? end + 1 : end;
}

function streetEnd(window: Window, from: number): number {
  let at = from;
  let last = -1;
  for (let count = 0; count < MAX_WORDS; count++) {
    if (window.at(at) !== 32) break;
    const word = at + 1;
    const end = wordEnd(window, word);
    if (end === word || end - word > MAX_WORD) break;
    const text = window.text.slice(word, end);
    const plain = text.toLowerCase();
    const isName = isUpper(text.charCodeAt(0)) || /^\d+(?:st|nd|rd|th)$/i.test(text);
    if (!isName && !SUFFIXES.has(plain)) break;
    at = end;
    if (count > 0 && SUFFIXES.has(plain)) last = window.at(end) === DOT ? end + 1 : end;
    else if (last >= 0) {
      if (DIRECTIONS.has(plain)) last = end;
      break;
    }
    if (window.at(at) === DOT && text.length <= 4) at++;
  }
  return last;
}

/** `, Apt. 4B`, ` #12` */
function unitEnd(window: Window, from: number): number {
  const at = gapEnd(window, from);
  if (at === from) return from;
  let value = at;
  if (window.at(at) === HASH) value = at + 1;
  else {
    const word = wordEnd(window, at);
    if (!UNITS.has(window.text.slice(at, word).toLowerCase())) return from;
    value = window.at(word) === DOT ? word + 1 : word;
    if (window.at(value) === 32) value++;
  }
  let end = value;
  while (end - value < 8 && (isAlnum(window.at(end)) || window.at(end) === DASH)) end++;
  return end > value ? end : from;
}

/** `, San Jose, CA 95112`; the state's two capitals must follow, or nothing counts. */
function cityEnd(window: Window, from: number): number {
  let at = gapEnd(window, from);
  if (at === from) return from;
  for (let count = 0; count < 5; count++) {
    const end = wordEnd(window, at);
    const length = end - at;
    if (length < 2 || length > MAX_WORD || !isUpper(window.at(at))) return from;
    if (length === 2 && isUpper(window.at(at + 1)) && count > 0) return zipEnd(window, end);
    at = gapEnd(window, end);
    if (at === end) return from;
  }
  return from;
}

function zipEnd(window: Window, from: number): number {
  const at = gapEnd(window, from);
  const end = digitsEnd(window, at, 6);
  if (end - at !== 5 || at === from) return from;
  if (window.at(end) !== DASH) return end;
  const plus = digitsEnd(window, end + 1, 5);
  return plus - end === 5 ? plus : end;
}

/** At most one comma and three blanks or line ends. */
function gapEnd(window: Window, from: number): number {
  let at = from;
  if (window.at(at) === COMMA) at++;
  while (at - from < 4 && isWhitespace(window.at(at))) at++;
  return at;
}

function wordEnd(window: Window, from: number): number {
  let end = from;
  while (end - from <= MAX_WORD && isWordUnit(window.at(end))) end++;
  return end;
}

const isWordUnit = (code: number): boolean => isAlnum(code) || code === 39 || code === DASH || code >= 0xc0;
