import { BIRTH_REACH, birthDate, isOtherDate, mayBeginDate } from '../numbers/birth.js';
import { BIC_REACH, bic, mayBeginBic } from '../numbers/bic.js';
import { cvv, cvvStart } from '../numbers/cvv.js';
import type { Wanted } from '../entity-types.js';
import { isLetter } from './characters.js';
import type { Candidate, Findings, Window } from './window.js';

/**
 * Values that are told by the word before them alone: "CVV 123", "born 5 March 1980", "BIC DEUTDEFF". Found from that word on; each rule's reach and
 * the word fit into LOOKBACK, so that a stream that looks again still sees the word.
 */
export function cuesAt(window: Window, index: number, code: number, wanted: Wanted, findings: Findings): void {
  const letter = code | 32;
  if (letter === V && wanted.cvv) cvvAfter(window, index, findings);
  else if (letter === Y && wanted.cvv) securityCode(window, index, findings);
  else if (letter === W && wanted.bic) swiftAfter(window, index, findings);
  else if (letter === B) {
    if (wanted.bic) bicAfter(window, index, findings);
    if (wanted.birth) birthAfter(window, index, findings);
  }
}

const [B, V, W, Y] = [98, 118, 119, 121];
const TWO = 50;
/** The letters at which cuesAt() looks closer, by type. */
export const CUE_LETTERS = { cvv: 'vVyY', bic: 'bBwW', birth: 'bB' } as const;

const [C, D, N, O] = [99, 100, 110, 111];

/** A letter's code in lower case. */
const lower = (window: Window, index: number): number => window.at(index) | 32;

/** `literal` (lower case) at `index`, however it is capitalised. */
function says(window: Window, literal: string, index: number): boolean {
  for (let offset = 0; offset < literal.length; offset++) if (lower(window, index + offset) !== literal.charCodeAt(offset)) return false;
  return true;
}

/** `cvv`, `cvv2`, `cvc`, `cvn`, `cv2`, `card verification` */
function cvvAfter(window: Window, v: number, findings: Findings): void {
  if (lower(window, v - 1) === C && !isLetter(window.at(v - 2))) {
    const next = window.at(v + 1);
    const isWord = [V, C, N].includes(next | 32);
    if (!isWord && next !== TWO) return;
    const end = v + 2 + (isWord && window.at(v + 2) === TWO ? 1 : 0);
    if (!isLetter(window.at(end))) codeAfter(window, end, true, findings);
  } else if (says(window, 'verification', v) && says(window, 'card', v - 5)) codeAfter(window, v + 12, true, findings);
}

/** `security code`, as others are called too: a weaker sign. */
function securityCode(window: Window, y: number, findings: Findings): void {
  if (says(window, 'securit', y - 7) && says(window, 'code', y + 2) && !isLetter(window.at(y + 6)))
    codeAfter(window, y + 6, false, findings);
}

function codeAfter(window: Window, end: number, sure: boolean, findings: Findings): void {
  const start = cvvStart(window, end);
  if (start >= 0) take(start, findings, (at) => cvv(window, at, sure));
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
