import { CLOSE_PAREN, DASH, isAlnum, isDigit, isLetter, OPEN_PAREN, PLUS, SPACE } from '../engine/characters.js';
import type { Window } from '../engine/window.js';

/** What a number is called behind it, as on cards and in signatures: `781 1704 office`, `781 1704-Fax`, `781 1704 (home)`. By first letter. */
const LABELS = ['office', 'fax', 'home', 'mobile', 'cell', 'work', 'phone', 'tel', 'direct', 'landline', 'whatsapp'] as const;
const BY_LETTER = new Map<number, readonly string[]>(
  LABELS.map(({ 0: first }) => [(first as string).charCodeAt(0), LABELS.filter((label) => label.startsWith(first as string))]),
);

/** Signs between a number and its label. */
const GAP = 3;

/** Whether a label ends what is said of the number that ends at `end`: "781 1704 office chairs" is none. Reads at most 16 units further. */
export function isLabelled(window: Window, end: number): boolean {
  let index = end;
  while (index - end < GAP && isGap(window.at(index))) index++;
  if (index === end) return false;
  const labels = BY_LETTER.get(window.at(index) | 32);
  if (labels === undefined) return false;
  for (const label of labels) {
    let at = 0;
    while (at < label.length && (window.at(index + at) | 32) === label.charCodeAt(at)) at++;
    if (at === label.length && !isAlnum(window.at(index + at))) return closes(window, index + at);
  }
  return false;
}

const isGap = (code: number): boolean => code === SPACE || code === DASH || code === OPEN_PAREN;

/** The end of a line or clause, or the next number. */
function closes(window: Window, from: number): boolean {
  if (window.at(from) === CLOSE_PAREN) return true;
  if (window.at(from) !== SPACE) return window.at(from) !== DASH;
  const code = window.at(from + 1);
  return !isLetter(code) || isDigit(code) || code === PLUS;
}
