/**
 * The last words of what a secret is called (KEY of assignment.ts), lower case: the cheap test before the regular expression. Each either says all, or
 * must follow one of the signs that may stand before it.
 */
const WORDS: readonly { readonly word: string; readonly after?: string }[] = [
  ...['password', 'passwd', 'passphrase', 'passcode', 'pwd', 'pass', 'token', 'secret', 'authorization', 'credential', 'credentials'].map(
    (word) => ({ word }),
  ),
  // `api_key`, `apikey`: a separator (`_` in lower case is 7F), or the last letter of the words that may stand before it.
  { word: 'key', after: '\x7f -ipnsetghrdyk' },
  { word: 'sig', after: '?&' },
  { word: '-signature' },
];

const hashOf = (first: number, second: number, third: number): number => (((first | 32) << 6) ^ ((second | 32) << 3) ^ (third | 32)) & 2047;

const ENDS = new Uint8Array(1 << 11);
const BY_END = new Map<number, typeof WORDS>();
for (const each of WORDS) {
  const [first, second, third] = Array.from(each.word.slice(-3), (letter) => letter.charCodeAt(0)) as [number, number, number];
  const hash = hashOf(first, second, third);
  ENDS[hash] = 1;
  BY_END.set(hash, [...(BY_END.get(hash) ?? []), each]);
}

/** The last three letters of each word. */
export const KEY_ENDINGS: readonly string[] = [...new Set(WORDS.map(({ word }) => word.slice(-3)))];

/** Whether some word may end with these three units, however they are capitalised. */
export function mayEndKey(first: number, second: number, third: number): boolean {
  return ENDS[hashOf(first, second, third)] === 1;
}

/** Whether the text before `end` ends with one of the words. */
export function endsInKeyWord(text: string, end: number): boolean {
  const words = BY_END.get(hashOf(text.charCodeAt(end - 3), text.charCodeAt(end - 2), text.charCodeAt(end - 1)));
  if (words === undefined) return false;
  for (const { word, after } of words) {
    const start = end - word.length;
    let at = 0;
    while (at < word.length && (text.charCodeAt(start + at) | 32) === word.charCodeAt(at)) at++;
    if (at === word.length && (after === undefined || after.includes(String.fromCharCode(text.charCodeAt(start - 1) | 32)))) return true;
  }
  return false;
}
