import { BIRTH_REACH, birthDate, isOtherDate, mayBeginDate } from '../numbers/birth.js';
import { BIC_REACH, bic, mayBeginBic } from '../numbers/bic.js';
import { cvv, cvvStart } from '../numbers/cvv.js';
import type { Wanted } from '../entity-types.js';
import { isLetter, isUpper, SPACE } from './characters.js';
import type { Candidate, Findings, Window } from './window.js';

/**
 * Values that are told by the word before them alone: "CVV 123", "born 5 March 1980", "BIC DEUTDEFF". Found from that word on; each rule's reach and
 * the word fit into LOOKBACK, so that a stream that looks again still sees the word.
 */
export function cuesAt(window: Window, index: number, code: number, wanted: Wanted, findings: Findings): void {
  const letter = code | 32;
  if (wanted.cvv) codeCues(window, index, letter, findings);
  if (letter === W && wanted.bic) swiftAfter(window, index, findings);
  else if (letter === B) {
    if (wanted.bic) bicAfter(window, index, findings);
    if (wanted.birth) birthAfter(window, index, findings);
  }
}

/** The words that a card's code stands behind. */
function codeCues(window: Window, index: number, letter: number, findings: Findings): void {
  if (letter === V) cvvAfter(window, index, findings);
  else if (letter === Y) securityCode(window, index, findings);
  else if (letter === B) onTheCard(window, index, findings);
}

const [B, V, W, Y] = [98, 118, 119, 121];
const [ONE, TWO] = [49, 50];
/** The letters at which cuesAt() looks closer, by type. */
export const CUE_LETTERS = { cvv: 'vVyYbB', bic: 'bBwW', birth: 'bB' } as const;

const [C, D, N, O] = [99, 100, 110, 111];

/** A letter's code in lower case. */
const lower = (window: Window, index: number): number => window.at(index) | 32;

/** `literal` (lower case) at `index`, however it is capitalised. */
function says(window: Window, literal: string, index: number): boolean {
  for (let offset = 0; offset < literal.length; offset++) if (lower(window, index + offset) !== literal.charCodeAt(offset)) return false;
  return true;
}

/** What may be part of the word itself: `cvvCode`. */
const PARTS = new Set(['code', 'number', 'no', 'num', 'value', 'data']);

/** `cvv`, `cvv2`, `cvc`, `cvn`, `cvd`, `cv2`, `cvvCode`, `cardCvc`; `card verification`, `verification value` */
function cvvAfter(window: Window, v: number, findings: Findings): void {
  if (lower(window, v - 1) === C && beginsWord(window, v - 1)) {
    const next = window.at(v + 1);
    const isWord = [V, C, N, D].includes(next | 32);
    if (!isWord && next !== TWO) return;
    const digit = window.at(v + 2);
    const end = v + 2 + (isWord && (digit === TWO || digit === ONE) ? 1 : 0);
    let to = end;
    while (to - end < 8 && isLetter(window.at(to))) to++;
    if (to === end || PARTS.has(window.text.slice(end, to).toLowerCase())) codeAfter(window, to, 0.85, findings);
  } else if (says(window, 'verification', v)) {
    const isCards = says(window, 'card', v - 5) || says(window, 'card', v - 4);
    if (isCards || says(window, 'value', v + 13)) codeAfter(window, v + 12, 0.85, findings);
    // Codes of other kinds are sent in messages.
    else if (says(window, 'number', v + 13) || says(window, 'code', v + 13)) codeAfter(window, v + 12, 0.6, findings, true);
  }
}

/** Not behind a letter, or as a part of its own in a name: `cardCvc`. */
function beginsWord(window: Window, start: number): boolean {
  const before = window.at(start - 1);
  return !isLetter(before) || (isUpper(window.at(start)) && !isUpper(before));
}

const DIGITS_ON = /(digits?|code|number)\s+(?:(?:printed|written|shown)\s+)?(?:on|from|at)\s+(?:the|its|my|your|his|her)\s+$/i;
/** Units read before "back". */
const ON_REACH = 36;

/** `the three digits on the back of the card`, `the code on the back` where the words around speak of a card. */
function onTheCard(window: Window, index: number, findings: Findings): void {
  if (window.at(index - 1) !== SPACE || !says(window, 'back', index) || isLetter(window.at(index + 4))) return;
  const found = DIGITS_ON.exec(window.text.slice(Math.max(0, index - ON_REACH), index));
  if (found === null) return;
  codeAfter(window, index + 4, 0.7, findings, !(found[1] as string).toLowerCase().startsWith('digit'));
}

/** `security code`, `securityCode`, as others are called too: a weaker sign. */
function securityCode(window: Window, y: number, findings: Findings): void {
  if (!says(window, 'securit', y - 7)) return;
  const code = says(window, 'code', y + 2) ? y + 2 : y + 1;
  if (says(window, 'code', code) && !isLetter(window.at(code + 4))) codeAfter(window, code + 4, 0.6, findings);
}

function codeAfter(window: Window, end: number, score: number, findings: Findings, needsCard = false): void {
  const start = cvvStart(window, end);
  if (start >= 0) take(start, findings, (at) => cvv(window, at, score, needsCard));
}

/** `SWIFT`, `swift code` */
function swiftAfter(window: Window, w: number, findings: Findings): void {
  if (says(window, 'swift', w - 1) && !isLetter(window.at(w - 2)) && !isLetter(window.at(w + 4))) bicWithin(window, w + 4, findings);
}

function bicAfter(window: Window, b: number, findings: Findings): void {
  if (says(window, 'bic', b) && !isLetter(window.at(b - 1)) && !isLetter(window.at(b + 3))) bicWithin(window, b + 3, findings);
}

function bicWithin(window: Window, from: number, findings: Findings): void {
  for (let at = from; at < from + BIC_REACH; at++) {
    if (mayBeginBic(window, at) && take(at, findings, (start) => bic(window, start))) return;
  }
}

/** `born`, `birth`, `birthday`, `date_of_birth`, `DOB`, `d.o.b.` */
function birthAfter(window: Window, b: number, findings: Findings): void {
  const end = birthWordEnd(window, b);
  if (end === 0) return;
  for (let at = end; at < end + BIRTH_REACH; at++) {
    if (mayBeginDate(window, at) && take(at, findings, (start) => (isOtherDate(window, end, start) ? null : birthDate(window, start))))
      return;
  }
}

function birthWordEnd(window: Window, b: number): number {
  if (says(window, 'birth', b)) return says(window, 're', b - 2) ? 0 : b + 5;
  if (says(window, 'born', b)) return isLetter(window.at(b - 1)) || isLetter(window.at(b + 4)) ? 0 : b + 4;
  if (isLetter(window.at(b + 1))) return 0;
  if (lower(window, b - 1) === O) return lower(window, b - 2) === D && !isLetter(window.at(b - 3)) ? b + 1 : 0;
  return says(window, 'd.o.', b - 4) && !isLetter(window.at(b - 5)) ? b + 1 : 0;
}

/** Decides one start; true when a value stands there, also one that was decided before. */
function take(start: number, findings: Findings, parse: (start: number) => Candidate | null): boolean {
  const isOpen = findings.begin(start);
  const found = parse(start);
  if (isOpen) {
    findings.add(found);
    findings.finish(start);
  }
  return found !== null;
}
