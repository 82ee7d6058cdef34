import { DASH, DOT, isAlnum, isDigit, isLetter, isWhitespace, SLASH } from '../engine/characters.js';
import { LIKELY, type Candidate, type Window } from '../engine/window.js';

const RULE = 'card_cvv@1';

/** Units between the word and its number. */
const REACH = 24;
/** Words that may stand between. */
const BETWEEN = new Set(['is', 'was', 'code', 'number', 'no', 'value', 'and', 'the', 'of', 'on', 'back']);
const GAP = new Set(Array.from(' \t:=#"\'`*\\()[]_', (sign) => sign.charCodeAt(0)));

/** First unit of the number after a word such as "CVV" that ends before `from`; -1 when something else follows. */
export function cvvStart(window: Window, from: number): number {
  for (let index = from; index < from + REACH;) {
    const code = window.at(index);
    if (isDigit(code)) return index;
    if (isLetter(code)) {
      const word = index;
      while (index < from + REACH && isLetter(window.at(index))) index++;
      if (!BETWEEN.has(window.text.slice(word, index).toLowerCase())) return -1;
    } else if (GAP.has(code)) index++;
    else return -1;
  }
  return -1;
}

/** Three or four digits standing alone. */
export function cvv(window: Window, start: number, sure: boolean): Candidate | null {
  let end = start;
  while (end - start < 5 && isDigit(window.at(end))) end++;
  if (end - start < 3 || end - start > 4) return null;
  const after = window.at(end);
  if (isAlnum(after) || ((after === DOT || after === DASH || after === SLASH) && isDigit(window.at(end + 1)))) return null;
  if (isWhitespace(after) && isDigit(window.at(end + 1)) && isDigit(window.at(end + 2))) return null;
  return { start, end, type: 'card_cvv', rule: RULE, score: sure ? 0.85 : 0.6, strength: LIKELY };
}
