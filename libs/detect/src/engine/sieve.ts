import type { Wanted } from '../entity-types.js';
import { mayEndKey } from '../secrets/key-words.js';
import { mayBeginPrefix, mayEndPrefix, TOKEN_TRIGGERS } from '../secrets/tokens.js';
import { inQuotesOrGap } from '../secrets/value.js';
import { anchorBits, anchors } from './anchors.js';
import { COLON, DASH, DOT, isAlnum, isHex, isLetter, isLocal, isUpper, SLASH, SPACE } from './characters.js';
import { CUE_LETTERS } from './cues.js';

/** What a byte may be the telling sign of; 0 = of nothing. */
export const IDLE = 0;
export const DIGIT = 1;
const SIGN = 2;
const ASSIGN = 3;
const TOKEN = 4;
const LETTER = 5;

/** Bytes before and behind a sign that decide whether a rule must look at it. */
export const BEHIND = 8;
export const AHEAD = 8;

/** Units of a text looked through at once, so that what is read again lies near. */
export const BLOCK = 1 << 14;
const candidates = new Uint16Array(BLOCK / 4 + 2);
const places = new Uint16Array(BLOCK / 2 + 2);

const CAPITAL_B = 66;
const CAPITAL_J = 74;
const [A, B, C, D, E, I, N, O, R, S, T, U, V, W, Y] = Array.from('abcdeinorstuvwy', (letter) => letter.charCodeAt(0)) as [
  number, number, number, number, number, number, number, number, number, number, number, number, number, number, number,
]; // prettier-ignore
const TWO = 50;

/**
 * Which places of a text no rule has to look at, told by the bytes around them: the low bytes of its units. A place is only ever passed over when every
 * rule that looks at it would find nothing and would read no further than AHEAD units to know it.
 */
export class Sieve {
  /** By byte: IDLE, DIGIT, or the kind of sign. */
  readonly kinds = new Uint8Array(256);
  /** By two neighbouring bytes: whether one may be the sign of an anchor. */
  private readonly pairs = new Uint8Array(1 << 16);
  private readonly anchors = anchors();
  private readonly bits: number;

  constructor(private readonly wanted: Wanted) {
    const set = (characters: string, kind: number): void => {
      for (const character of characters) this.kinds[character.charCodeAt(0)] = kind;
    };
    if (wanted.person) set('ABCDEFGHIJKLMNOPQRSTUVWXYZ', LETTER);
    if (wanted.cvv) set(CUE_LETTERS.cvv, LETTER);
    if (wanted.bic) set(CUE_LETTERS.bic, LETTER);
    if (wanted.birth) set(CUE_LETTERS.birth, LETTER);
    if (wanted.secret) {
      for (const sign of TOKEN_TRIGGERS) set(sign, isLetter(sign.charCodeAt(0)) ? LETTER : TOKEN);
      set('BJ', LETTER);
      set('-', TOKEN);
      set('=:', ASSIGN);
    }
    if (wanted.ip) set(':', ASSIGN);
    if (wanted.email) set('@', SIGN);
    if (wanted.digits) set('0123456789', DIGIT);
    this.bits = anchorBits(wanted);
    for (let pair = 0; pair < 1 << 16; pair++) this.pairs[pair] = Number(((this.anchors.middle[pair] as number) & this.bits) !== 0);
  }

  /**
   * Finds the pairs with a sign that has an anchor's bytes around it, among those from `from` (even) to `to` (exclusive; there must be a pair on both sides).
   * `words` are the same bytes: two pairs are read and noted as one, which halves the time.
   * Without a branch per pair: a wrong guess of the processor costs as much as twenty pairs.
   * @returns how many; which they are is read from `places` until the next call
   */
  find(pairsOfBytes: Uint16Array, words: Int32Array, from: number, to: number): number {
    const { bits } = this;
    const { before, middle, behind } = this.anchors;
    const few = this.wordsWithSigns(words, from >> 1, (to + 1) >> 1);
    let fewer = 0;
    for (let index = 0; index < few; index++) {
      const place = (candidates[index] as number) << 1;
      const first = pairsOfBytes[place] as number;
      const second = pairsOfBytes[place + 1] as number;
      const one = bits & (before[pairsOfBytes[place - 1] as number] as number) & (middle[first] as number) & (behind[second] as number);
      places[fewer] = place;
      fewer += (one | -one) >>> 31;
      const other = bits & (before[first] as number) & (middle[second] as number) & (behind[pairsOfBytes[place + 2] as number] as number);
      places[fewer] = place + 1;
      fewer += (other | -other) >>> 31;
    }
    // The second pair of the last word may be behind the end.
    return fewer > 0 && (places[fewer - 1] as number) >= to ? fewer - 1 : fewer;
  }

  /** Notes the words of which a pair may hold a sign. */
  private wordsWithSigns(words: Int32Array, from: number, to: number): number {
    const { pairs } = this;
    let few = 0;
    let at = from;
    for (; at + 4 <= to; at += 4) {
      const a = words[at] as number;
      const b = words[at + 1] as number;
      const c = words[at + 2] as number;
      const d = words[at + 3] as number;
      candidates[few] = at;
      few += (pairs[a & 0xffff] as number) | (pairs[a >>> 16] as number);
      candidates[few] = at + 1;
      few += (pairs[b & 0xffff] as number) | (pairs[b >>> 16] as number);
      candidates[few] = at + 2;
      few += (pairs[c & 0xffff] as number) | (pairs[c >>> 16] as number);
      candidates[few] = at + 3;
      few += (pairs[d & 0xffff] as number) | (pairs[d >>> 16] as number);
    }
    for (; at < to; at++) {
      const word = words[at] as number;
      candidates[few] = at;
      few += (pairs[word & 0xffff] as number) | (pairs[word >>> 16] as number);
    }
    return few;
  }

  get places(): Uint16Array {
    return places;
  }

  /**
   * Whether no rule has to look at the sign at `at`, which has BEHIND bytes before it and AHEAD behind it. Digits are not asked about here.
   */
  isIdle(bytes: Uint8Array, at: number): boolean {
    const { wanted } = this;
    const code = bytes[at] as number;
    const previous = bytes[at - 1] as number;
    const next = bytes[at + 1] as number;
    switch (this.kinds[code]) {
      case SIGN:
        return !isLocal(previous) || !isAlnum(next);
      case ASSIGN:
        return this.isIdleAssignment(bytes, at);
      case TOKEN:
        if (mayEndPrefix(bytes[at - 2] as number, previous, code)) return false;
        if (code !== DASH) return true;
        return next === DASH ? bytes[at + 5] !== CAPITAL_B && bytes[at + 2] !== U : next !== U || bytes[at + 2] !== SPACE;
      case LETTER:
        if (wanted.person && isUpper(code) && !isAlnum(previous) && isName(next)) return false;
        if (wanted.secret && !isIdleToken(bytes, at, code, previous, next)) return false;
        return this.isIdleCue(bytes, at, code | 32, previous | 32, next | 32);
      default:
        return true;
    }
  }

  private isIdleAssignment(bytes: Uint8Array, at: number): boolean {
    const { wanted } = this;
    if (bytes[at] === COLON) {
      const next = bytes[at + 1] as number;
      if (next === SLASH) return !wanted.secret || bytes[at + 2] !== SLASH;
      if (wanted.ip && (next === COLON || (isHex(next) && isHex(bytes[at - 1] as number)))) return false;
    }
    if (!wanted.secret) return true;
    let end = at;
    while (end > at - 3 && inQuotesOrGap(bytes[end - 1] as number)) end--;
    return !mayEndKey(bytes[end - 3] as number, bytes[end - 2] as number, bytes[end - 1] as number);
  }

  /** A letter that may belong to a word which tells a value; see cuesAt(). All in lower case. */
  private isIdleCue(bytes: Uint8Array, at: number, letter: number, previous: number, next: number): boolean {
    const { wanted } = this;
    const second = (bytes[at + 2] as number) | 32;
    switch (letter) {
      case B: {
        if (wanted.bic && next === I && second === C) return false;
        if (wanted.cvv && previous === SPACE && next === A && second === C) return false;
        if (!wanted.birth) return true;
        if ((next === I || next === O) && second === R) return false;
        const first = (bytes[at - 2] as number) | 32;
        return !(previous === O && first === D) && !(previous === DOT && first === O);
      }
      case V:
        return (
          !wanted.cvv ||
          (!(previous === C && (next === V || next === C || next === N || next === D || next === TWO)) && !(next === E && second === R))
        );
      case W:
        return !wanted.bic || previous !== S || next !== I;
      case Y:
        return !wanted.cvv || previous !== T || (second !== C && next !== C);
      default:
        return true;
    }
  }
}

function isIdleToken(bytes: Uint8Array, at: number, code: number, previous: number, next: number): boolean {
  if (mayEndPrefix(bytes[at - 2] as number, previous, code)) return false;
  const second = bytes[at + 2] as number;
  if (mayBeginPrefix(code, next, second)) return false;
  if (code === CAPITAL_B) return !(next === E && second === A) && !(next === A && second === S);
  return code !== CAPITAL_J || previous !== Y || bytes[at - 2] !== E;
}

/** What may stand behind a name's capital: more of the word (person()). */
const isName = (code: number): boolean => isLetter(code) || code === 39 || code === DASH || code >= 128;
