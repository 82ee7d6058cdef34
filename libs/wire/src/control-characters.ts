/** RFC 8259 §7: what is below must be escaped inside a string. */
const FIRST_PLAIN = 0x20;
/** Shorter runs are looked at byte by byte. */
const SHORT = 48;

/** The memory of a buffer as words. A body has thousands of strings in one memory, and each view is an object of its own. */
const viewed = new WeakMap<ArrayBufferLike, Int32Array>();

/** Whether a byte in [start, end) is a control character: four at a time, a quarter of what a pattern over the decoded text costs. */
export function hasControlCharacter(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < SHORT) return hasBelow(bytes, start, end);
  const words = wordsOf(bytes.buffer);
  const { byteOffset } = bytes;
  const first = (byteOffset + start + 3) >>> 2;
  const last = (byteOffset + end) >>> 2;
  return hasBelow(bytes, start, first * 4 - byteOffset) || hasWordBelow(words, first, last) || hasBelow(bytes, last * 4 - byteOffset, end);
}

function wordsOf(memory: ArrayBufferLike): Int32Array {
  let words = viewed.get(memory);
  if (words === undefined) viewed.set(memory, (words = new Int32Array(memory, 0, memory.byteLength >>> 2)));
  return words;
}

function hasBelow(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! < FIRST_PLAIN) return true;
  return false;
}

/**
 * A byte below 0x20 borrows when 0x20 is taken from it, and had no high bit before: then the high bit of some byte of `(word - 0x20202020) & ~word` is set,
 * and else of none.
 */
function hasWordBelow(words: Int32Array, first: number, last: number): boolean {
  let found = 0;
  let at = first;
  for (; at + 4 <= last; at += 4) {
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    found |= ((a - 0x20202020) & ~a) | ((b - 0x20202020) & ~b) | ((c - 0x20202020) & ~c) | ((d - 0x20202020) & ~d);
  }
  for (; at < last; at++) found |= (words[at]! - 0x20202020) & ~words[at]!;
  return (found & 0x80808080) !== 0;
}
