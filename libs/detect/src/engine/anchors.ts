import { IBAN_COUNTRIES } from '../numbers/iban.js';
import { KEY_ENDINGS } from '../secrets/key-words.js';
import { FORMS } from '../secrets/token-forms.js';
import { inQuotesOrGap } from '../secrets/value.js';
import { isAlnum, isDigit, isHex, isLetter, isLocal, isToken, isUpper, isWhitespace } from './characters.js';
import type { Wanted } from '../entity-types.js';

/** Bytes of which one must stand at a place. */
type Bytes = readonly number[];
/** What must stand around a sign for a rule to have something to look at, by the offset from the sign (-3 to 3); any byte elsewhere. */
export type Anchor = Readonly<Record<number, Bytes>>;

const ALL: Bytes = Array.from({ length: 256 }, (_, code) => code);
const where = (holds: (code: number) => boolean): Bytes => ALL.filter(holds);
const of = (signs: string): Bytes => Array.from(signs, (sign) => sign.charCodeAt(0));
/** However they are capitalised: also the control signs that rules, which set the sixth bit, read as a sign. */
const anyCase = (letters: string): Bytes => ALL.filter((code) => letters.includes(String.fromCharCode(code | 32)));

const DIGITS = where(isDigit);
const ALNUM = where(isAlnum);
const NO_ALNUM = where((code) => !isAlnum(code));
const NO_WORD = where((code) => !isAlnum(code) && code !== 95);
const TOKEN = where(isToken);
const HEX = where(isHex);
const GAP = where(inQuotesOrGap);
const SIGN = of('=:');
const JOINS = of(' -./');

const literal = (text: string, from: number): Anchor => Object.fromEntries(Array.from(text, (sign, index) => [from + index, of(sign)]));

/** Tokens by the signs before their pivot and the one behind it. */
const pivots: Anchor[] = FORMS.filter(({ pivot }) => pivot >= 0).map(({ prefix, pivot, signs, lead }) => ({
  // A prefix of two signs stands behind a digit (token-forms.ts).
  ...(pivot >= 2
    ? literal(prefix.slice(pivot - 2, pivot + 1), -2)
    : { ...literal(prefix.slice(0, pivot + 1), -pivot), [-pivot - 1]: lead > 0 ? DIGITS : NO_WORD }),
  1: pivot + 1 < prefix.length ? of(prefix.charAt(pivot + 1)) : [...TOKEN, ...of(signs)],
}));

const firsts: Anchor[] = FORMS.filter(({ pivot }) => pivot < 0).map(({ prefix }) => ({ [-1]: NO_WORD, ...literal(prefix.slice(0, 3), 0) }));

/** The kinds of places, each with the types that look there. At most 16: every kind takes two bits of a table's 32. */
const KINDS: readonly { readonly anchors: readonly Anchor[]; readonly isWanted: (wanted: Wanted) => boolean }[] = [
  { anchors: pivots, isWanted: ({ secret }) => secret },
  {
    anchors: [...firsts, { [-1]: NO_ALNUM, ...literal('Bea', 0) }, { [-1]: NO_ALNUM, ...literal('Bas', 0) }],
    isWanted: ({ secret }) => secret,
  },
  { anchors: [{ ...literal('eyJ', -2), 1: TOKEN }], isWanted: ({ secret }) => secret },
  {
    anchors: KEY_ENDINGS.map((ending) => ({
      ...Object.fromEntries(Array.from(ending, (letter, at) => [at - 3, anyCase(letter)])),
      0: SIGN,
    })),
    isWanted: ({ secret }) => secret,
  },
  {
    anchors: [
      { [-2]: GAP, [-1]: GAP, 0: SIGN },
      ...KEY_ENDINGS.map((ending) => ({ [-3]: anyCase(ending.charAt(1)), [-2]: anyCase(ending.charAt(2)), [-1]: GAP, 0: SIGN })),
    ],
    isWanted: ({ secret }) => secret,
  },
  {
    anchors: [
      literal('://', 0),
      literal('----', 0),
      literal('--us', 0),
      { [-1]: where((code) => isWhitespace(code)), ...literal('-u ', 0) },
      literal('::', 0),
    ],
    isWanted: ({ secret, ip }) => secret || ip,
  },
  { anchors: [{ [-1]: where(isLocal), 0: of('@'), 1: ALNUM }], isWanted: ({ email }) => email },
  { anchors: [{ [-1]: HEX, 0: of(':'), 1: HEX }], isWanted: ({ ip }) => ip },
  {
    // Three digits and more, or two that others may follow.
    anchors: [
      { [-1]: NO_ALNUM, 0: DIGITS, 1: DIGITS, 2: DIGITS },
      { [-1]: NO_ALNUM, 0: DIGITS, 1: DIGITS, 2: JOINS, 3: [...DIGITS, ...of('(')] },
      { [-1]: NO_ALNUM, 0: DIGITS, 1: DIGITS, 2: of('()') },
    ],
    isWanted: ({ digits }) => digits,
  },
  {
    anchors: [
      { [-1]: NO_ALNUM, 0: DIGITS, 1: JOINS, 2: [...DIGITS, ...of('(')] },
      { [-1]: NO_ALNUM, 0: DIGITS, 1: of('('), 2: [...DIGITS, ...of('+')] },
      { [-1]: of('(+'), 0: DIGITS, 1: of(')'), 2: [...DIGITS, ...JOINS, ...of('(')] },
    ],
    isWanted: ({ digits }) => digits,
  },
  {
    anchors: IBAN_COUNTRIES.map((country) => ({
      [-2]: anyCase(country.charAt(0).toLowerCase()),
      [-1]: anyCase(country.charAt(1).toLowerCase()),
      0: DIGITS,
      1: DIGITS,
    })),
    isWanted: ({ iban }) => iban,
  },
  // Six digits in a row wherever they stand: also within words a row may be too long (DIGIT_OVERFLOW), or what a magnetic stripe holds.
  { anchors: [{ [-3]: DIGITS, [-2]: DIGITS, [-1]: DIGITS, 0: DIGITS, 1: DIGITS, 2: DIGITS, 3: DIGITS }], isWanted: ({ digits }) => digits },
  // House numbers and securities: any number.
  { anchors: [{ [-1]: where((code) => !isDigit(code)), 0: DIGITS }], isWanted: ({ address, isin, cusip }) => address || isin || cusip },
  {
    anchors: ['bic', 'bir', 'bor', 'ver'].map((word) => ({
      0: anyCase(word.charAt(0)),
      1: anyCase(word.charAt(1)),
      2: anyCase(word.charAt(2)),
    })),
    isWanted: ({ bic, birth, cvv }) => bic || birth || cvv,
  },
  {
    anchors: [
      { [-2]: anyCase('d'), [-1]: anyCase('o'), 0: anyCase('b') },
      { [-2]: anyCase('o'), [-1]: anyCase('.'), 0: anyCase('b') },
      { [-1]: anyCase('c'), 0: anyCase('v'), 1: anyCase('vcnd2') },
      { [-1]: anyCase('s'), 0: anyCase('w'), 1: anyCase('i') },
      { [-1]: anyCase('t'), 0: anyCase('y'), 2: anyCase('c') },
      { [-1]: anyCase('t'), 0: anyCase('y'), 1: anyCase('c') },
      { [-1]: of(' '), 0: anyCase('b'), 1: anyCase('a'), 2: anyCase('c'), 3: anyCase('k') },
    ],
    isWanted: ({ bic, birth, cvv }) => bic || birth || cvv,
  },
  {
    anchors: [{ [-1]: NO_ALNUM, 0: where(isUpper), 1: where((code) => isLetter(code) || code === 39 || code === 45 || code >= 128) }],
    isWanted: ({ person }) => person,
  },
];

/**
 * By two neighbouring bytes in the machine's order: a bit for every kind of place and for both ways it can lie in the pairs of a text, set when the two
 * may be the pair with the sign (`middle`), the one before or the one behind. Where no bit is set in all three, no rule has to look.
 */
export interface Anchors {
  readonly before: Int32Array;
  readonly middle: Int32Array;
  readonly behind: Int32Array;
}

let tables: Anchors | null = null;

/** Made once, when the first detector is. */
export function anchors(): Anchors {
  if (tables !== null) return tables;
  const [before, middle, behind] = [new PairTable(), new PairTable(), new PairTable()];
  for (const [kind, { anchors: all }] of KINDS.entries()) {
    for (const anchor of all) {
      // The sign is the first of its pair, or the second.
      for (const second of [0, 1]) {
        const bit = 1 << (kind * 2 + second);
        before.add(anchor[-2 - second], anchor[-1 - second], bit);
        middle.add(anchor[-second], anchor[1 - second], bit);
        behind.add(anchor[2 - second], anchor[3 - second], bit);
      }
    }
  }
  return (tables = { before: before.bits(), middle: middle.bits(), behind: behind.bits() });
}

const isLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

class PairTable {
  private readonly table = new Int32Array(1 << 16);
  /** Bits of any pair. */
  private any = 0;

  add(left: Bytes | undefined, right: Bytes | undefined, bit: number): void {
    if (left === undefined && right === undefined) this.any |= bit;
    if ((this.any & bit) !== 0) return;
    for (const first of left ?? ALL) {
      for (const second of right ?? ALL) {
        const pair = isLittle ? first | (second << 8) : second | (first << 8);
        this.table[pair] = (this.table[pair] as number) | bit;
      }
    }
  }

  bits(): Int32Array {
    const { table, any } = this;
    for (let pair = 0; pair < table.length; pair++) table[pair] = (table[pair] as number) | any;
    return table;
  }
}

/** Bits of the kinds some wanted type looks at. */
export function anchorBits(wanted: Wanted): number {
  return KINDS.reduce((bits, { isWanted }, kind) => (isWanted(wanted) ? bits | (3 << (kind * 2)) : bits), 0);
}
