/** How signs are read for detection: as themselves, as one ASCII sign, or as nothing. */

/** What a unit is read as when it is read as nothing. */
export const REMOVED = 0;

/** Nothing to be seen: soft hyphen, joiners, direction marks, fillers, variation selectors, the frame of a keycap. */
const INVISIBLE: readonly (readonly [number, number])[] = [
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x20e3, 0x20e3],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
];

/** Hyphens and dashes, which NFKC leaves as they are. */
const DASHES = [0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2043, 0x2212, 0xfe58, 0xfe63, 0xff0d];

/** Blocks of the basic plane without compatibility forms or digits of their own: ideographs, Hangul, surrogates, private use. */
const ORDINARY: readonly (readonly [number, number])[] = [
  [0x3400, 0x9fff],
  [0xac00, 0xfaff],
];

interface Table {
  /** By unit: what it is read as. */
  readonly plain: Uint16Array;
  /** Matches units that are read otherwise, and pairs that may be. */
  readonly every: RegExp;
}

/** Mathematical letters and digits (NFKC), and tags, which are invisible: the pairs that are read otherwise. */
const FIRST_OF_MATH = 0xd835;
const FIRST_OF_TAG = 0xdb40;
const PAIR_SOURCE = '\\ud835[\\udc00-\\udfff]|\\udb40[\\udc00-\\udd7f]';
let table: Table | null = null;

/** Made when the first text that is not ASCII comes: some milliseconds, once. */
function tableOf(): Table {
  if (table !== null) return table;
  const plain = new Uint16Array(0x10000);
  for (let code = 0; code < 0x10000; code++) plain[code] = code;
  for (let code = 0x80; code < 0x10000; code++) {
    const ordinary = ORDINARY.find(([from, to]) => code >= from && code <= to);
    if (ordinary === undefined) plain[code] = readAs(code, plain);
    else code = ordinary[1];
  }
  for (const [from, to] of INVISIBLE) plain.fill(REMOVED, from, to + 1);
  for (const code of DASHES) plain[code] = 45;
  const source = `[${rangesOf(plain)}]|${PAIR_SOURCE}`;
  table = { plain, every: new RegExp(source, 'g') };
  return table;
}

/** The ASCII sign NFKC makes of a unit; of a decimal digit of any script its value. */
function readAs(code: number, plain: Uint16Array): number {
  const sign = String.fromCharCode(code);
  const normal = sign.normalize('NFKC');
  if (normal.length === 1 && normal.charCodeAt(0) < 128) return normal.charCodeAt(0);
  if (!/\p{Nd}/u.test(sign)) return code;
  // Decimal digits come in tens, zero first (Unicode Standard, 4.6).
  const before = plain[code - 1] as number;
  return before >= 48 && before < 57 ? before + 1 : 48;
}

function rangesOf(plain: Uint16Array): string {
  const ranges: string[] = [];
  for (let code = 0x80; code < 0x10000; code++) {
    if (plain[code] === code) continue;
    const from = code;
    while (code + 1 < 0x10000 && plain[code + 1] !== code + 1) code++;
    ranges.push(`${escape(from)}-${escape(code)}`);
  }
  return ranges.join('');
}

const escape = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;

/** Units worth a look: of what European texts consist of, few. The engine's own search is several times as fast as a loop over units. */
const SUSPECT = /[\u00a0\u00aa\u00ad\u00b2\u00b3\u00b9\u00ba\u017f\u02b0-\u037e\u0600-\uffff]/g;
/** After as many that were nothing a text is written in such signs, and the loop is faster. */
const MAX_LOOKS = 64;

/** Whether some unit is, or may be half of, a sign that is read otherwise. */
export function isDisguised(text: string): boolean {
  SUSPECT.lastIndex = 0;
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const match = SUSPECT.exec(text);
    if (match === null) return false;
    if (isUnit(text.charCodeAt(match.index))) return true;
  }
  for (let index = SUSPECT.lastIndex; index < text.length; index++) if (isUnit(text.charCodeAt(index))) return true;
  return false;
}

function isUnit(code: number): boolean {
  return tableOf().plain[code] !== code || code === FIRST_OF_MATH || code === FIRST_OF_TAG;
}

/** Every sign (one unit, or a pair) that is read otherwise, with what it is read as: one ASCII sign or nothing. */
export function everyDisguise(text: string): IterableIterator<RegExpExecArray> {
  return text.matchAll(tableOf().every);
}

/** The text as it is read. */
export function readSigns(text: string, each?: (sign: string, read: string) => void): string {
  return text.replace(tableOf().every, (sign) => {
    const read = readSign(sign);
    each?.(sign, read);
    return read;
  });
}

export function readSign(sign: string): string {
  if (sign.length === 1) {
    const code = tableOf().plain[sign.charCodeAt(0)] as number;
    return code === REMOVED ? '' : String.fromCharCode(code);
  }
  if (sign.charCodeAt(0) === FIRST_OF_TAG) return '';
  const normal = sign.normalize('NFKC');
  return normal.length === 1 && normal.charCodeAt(0) < 128 ? normal : sign;
}

/** True when the last unit may be the first half of a pair that is read otherwise. */
export function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last === FIRST_OF_MATH || last === FIRST_OF_TAG;
}
