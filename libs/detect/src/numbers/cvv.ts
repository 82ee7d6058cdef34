import { DASH, DOT, isAlnum, isDigit, isLetter, isWhitespace, SLASH, SPACE } from '../engine/characters.js';
import { LIKELY, LOOKBACK, type Candidate, type Findings, type Window } from '../engine/window.js';
import { calledBehind } from './called.js';
import { luhn } from './card.js';

const RULE = 'card_cvv@2';

/** Units between the word and its number: with the longest cue ("digits on the back", 40) below LOOKBACK. */
const REACH = 44;
const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));
/** Words that may stand between. */
const BETWEEN = words(
  'is was are code number no nr value data the of on back to as be reads entered given provided printed my your his her its this three four last digit digits card cards visa mastercard amex american express debit credit td th dd dt span b strong i caller customer client agent user assistant answer a think believe it says',
);
/** `CVV (3 digits): 123` */
const GAP = new Set(Array.from(' \t:=#"\'`*\\()[]_<>/|?-,', (sign) => sign.charCodeAt(0)));
/** What is counted or paid behind a number: "CVV and 300 customers". */
const COUNTED = words(
  'cards customers clients calls times attempts transactions payments records rows orders users digits numbers tests errors failures checks declines cases accounts percent passed failed ms seconds minutes hours days usd eur gbp dollars euros points miles',
);
const LONGEST_COUNTED = 12;
/** Words of payment shortly before: makes a code of "CID", which elsewhere is any identifier. */
const CARD_NEAR =
  /(?:card|visa|amex|american express|maestro|discover|expir|\bexp\b|\bpan\b|cvv|cvc|\d{4}[ -]?\d{4}[ -]?\d{4}|\d{4}[ -]\d{6}[ -])/i;

/** First unit of the number after a word such as "CVV" that ends before `from`; -1 when something else follows. */
export function cvvStart(window: Window, from: number): number {
  let said = false;
  for (let index = from; index < from + REACH;) {
    const code = window.at(index);
    if (isDigit(code)) {
      const counted = countedDigits(window, index);
      if (counted === 0) return index;
      index += counted;
    } else if (isLetter(code)) {
      const word = index;
      while (index < from + REACH && isLetter(window.at(index))) index++;
      if (!BETWEEN.has(window.text.slice(word, index).toLowerCase())) return -1;
    } else if (GAP.has(code) || ((code === 10 || code === 13) && said)) {
      // A line may end behind "CVV:".
      said ||= code === 58 || code === 63;
      index++;
    } else return -1;
  }
  return -1;
}

/** Length of the `3-digit` or `3 digits` that begins at `start`; 0 when a number does. */
function countedDigits(window: Window, start: number): number {
  if (!isDigit(window.at(start)) || isDigit(window.at(start + 1))) return 0;
  const gap = window.at(start + 1);
  if (gap !== SPACE && gap !== DASH) return 0;
  for (let offset = 0; offset < 5; offset++) if ((window.at(start + 2 + offset) | 32) !== 'digit'.charCodeAt(offset)) return 0;
  return (window.at(start + 7) | 32) === 115 ? 8 : 7;
}

/** ` on the Visa 4111...`: the same, shortly behind. */
const CARD_BEHIND =
  /^["'\x60]?(?:[ ]?(?:on|for|of|from)[ ](?:the|my|your|his|her|this)[ ](?:card|visa|mastercard|amex)|[;,&|][ ]?["']?(?:pan|card|exp))/i;
const BEHIND_REACH = 28;

/** Three or four digits standing alone; `needsCard`: the word before tells a card's code only where payment is spoken of. */
export function cvv(window: Window, start: number, score: number, needsCard: boolean): Candidate | null {
  let end = start;
  while (end - start < 5 && isDigit(window.at(end))) end++;
  if (!standsAlone(window, start, end) || (isAside(window, start) && !endsClause(window, end))) return null;
  return candidate(start, end, needsCard && !isOfCard(window, start, end) ? 0.3 : score);
}

/** `the CVC, 218, and the zip`: behind a comma stands a code only by itself. */
const isAside = (window: Window, start: number): boolean =>
  window.at(start - 1) === 44 || (window.at(start - 1) === SPACE && window.at(start - 2) === 44);

function endsClause(window: Window, end: number): boolean {
  const after = window.at(end);
  return after === -1 || after === 44 || after === 59 || after === DOT || after === 41 || after === 10;
}

function isOfCard(window: Window, start: number, end: number): boolean {
  if (CARD_NEAR.test(window.text.slice(Math.max(0, start - LOOKBACK), start))) return true;
  window.at(end + BEHIND_REACH);
  return CARD_BEHIND.test(window.text.slice(end, end + BEHIND_REACH));
}

function candidate(start: number, end: number, score: number): Candidate {
  return { start, end, type: 'card_cvv', rule: RULE, score, strength: LIKELY };
}

function standsAlone(window: Window, start: number, end: number): boolean {
  if (end - start < 3 || end - start > 4) return false;
  const after = window.at(end);
  if (isAlnum(after) || after === 37 || ((after === DOT || after === DASH || after === SLASH) && isDigit(window.at(end + 1)))) return false;
  if (!isWhitespace(after)) return true;
  // A longer number in groups, unless an expiry date follows.
  if (isDigit(window.at(end + 1)) && isDigit(window.at(end + 2))) return window.at(end + 3) === SLASH;
  let to = end + 1;
  while (to - end <= LONGEST_COUNTED + 1 && isLetter(window.at(to))) to++;
  return !COUNTED.has(window.text.slice(end + 1, to).toLowerCase());
}

/** What may stand between two fields of a card's data, or between "CSC" and its number. */
const GAP_BEFORE = new Uint8Array(256);
for (const sign of ' \t"\'`,;|:/=') GAP_BEFORE[sign.charCodeAt(0)] = 1;
const MAX_BEFORE = 5;
const [C, D, I, S] = [99, 100, 105, 115];
const [NOTHING, DIGIT, LETTER] = [0, 1, 2];

export const isCodeGap = (code: number): boolean => GAP_BEFORE[code] === 1;

/** What stands before the gap in front of the number at `start`: another number (DIGIT), or what may be "CSC" or "CID" (LETTER). */
export function codeBefore(codes: Uint8Array, start: number): number {
  let index = start - 1;
  while (start - index <= MAX_BEFORE && GAP_BEFORE[codes[index] as number] === 1) index--;
  const last = codes[index] as number;
  if (isDigit(last)) return DIGIT;
  const letter = last | 32;
  if (letter !== C && letter !== D) return NOTHING;
  return ((codes[index - 1] as number) | 32) === (letter === C ? S : I) ? LETTER : NOTHING;
}

/** Three or four digits beside a card number, or that words behind them call a code. */
export function codeAt(window: Window, start: number, end: number, findings: Findings): void {
  if (isAlnum(window.at(start - 1)) || !findings.begin(start)) return;
  const isBehind = isCodeGap(window.at(start - 1));
  findings.add((isBehind ? (besideCard(window, start, end) ?? identified(window, start, end)) : null) ?? called(window, start, end));
  findings.finish(start);
}

/** A gap of at most MAX_BEFORE signs. */
const IDENTIFIED = /(?:^|[^a-z])c(?:sc|id)[ \t:="']{1,5}$/i;

/** After `CSC` or `CID`: a card's code where the words around speak of one. */
function identified(window: Window, start: number, end: number): Candidate | null {
  if (!IDENTIFIED.test(window.text.slice(Math.max(0, start - 9), start)) || !standsAlone(window, start, end)) return null;
  return candidate(start, end, isOfCard(window, start, end) ? 0.7 : 0.3);
}

function called(window: Window, start: number, end: number): Candidate | null {
  const before = window.at(start - 1);
  if (before === DOT || before === DASH || before === SLASH || before === 36) return null;
  if ((before === SPACE || before === 44) && isDigit(window.at(start - 2))) return null;
  const name = calledBehind(window, end);
  if (name === 'cvv') return candidate(start, end, 0.8);
  return name === 'security code' ? candidate(start, end, 0.6) : null;
}

const CARD = String.raw`(?:^|[^\dA-Za-z])([2-6]\d{3}(?:[ -]?\d){8,15})`;
const SEPARATOR = String.raw`(?:["'\x60]?[ \t]?[,;|:/\t][ \t]?["'\x60]?|[ \t])`;
const LOOSE = String.raw`["'\x60]?[ ]?[,;|:/.-]?[ ]?["'\x60]?`;
const EXPIRY = String.raw`(?:exp(?:iry|ires|iration)?[.:=]?[ ]?)?(?:0?[1-9]|1[0-2])${LOOSE}(?:20)?[2-4]\d`;
/** A card number, its expiry date, and the code next. */
const AFTER_EXPIRY = new RegExp(`${CARD}${SEPARATOR}${EXPIRY}${SEPARATOR}$`, 'i');
/** Both as texts of a call or a list: amounts and counts are not written in quotes, codes that may begin with 0 are. Or parted as lists of cards are. */
const AFTER_CARD = new RegExp(String.raw`${CARD}(?:(["'\x60])[ ]?,[ ]?\2|[|:;])$`);
const BESIDE_REACH = 56;
const MONTH_AND_YEAR = /^(?:0[1-9]|1[0-2])[2-4]\d$/;
function besideCard(window: Window, start: number, end: number): Candidate | null {
  let index = start - 2;
  while (start - index <= MAX_BEFORE && isCodeGap(window.at(index))) index--;
  if (!isDigit(window.at(index))) return null;
  if (!standsAlone(window, start, end)) return null;
  const before = window.text.slice(Math.max(0, start - BESIDE_REACH), start);
  const dated = AFTER_EXPIRY.exec(before);
  if (dated !== null && isCard(dated[1] as string)) return candidate(start, end, 0.8);
  const direct = AFTER_CARD.exec(before);
  if (direct === null || !isCard(direct[1] as string)) return null;
  const quote = direct[2];
  if (quote !== undefined && window.at(end) !== quote.charCodeAt(0)) return null;
  return MONTH_AND_YEAR.test(window.text.slice(start, end)) ? null : candidate(start, end, 0.5);
}

const isCard = (printed: string): boolean => luhn(printed.replace(/\D/g, ''));
