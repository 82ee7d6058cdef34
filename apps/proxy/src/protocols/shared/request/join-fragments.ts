import type { Slices } from '#wire';

const WINDOW = 256 << 10;

/** One buffer of many, copied a quarter of a megabyte at a time: touching 32 MB of new memory at once would hold the event loop. */
export async function joinFragments(fragments: readonly Buffer[], slices: Slices): Promise<Buffer> {
  let total = 0;
  for (const fragment of fragments) total += fragment.length;
  if (total <= WINDOW) return Buffer.concat(fragments, total);
  const joined = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const fragment of fragments) {
    for (let from = 0; from < fragment.length; from += WINDOW) {
      at += fragment.copy(joined, at, from, Math.min(fragment.length, from + WINDOW));
      if (slices.spent) await slices.turn();
    }
  }
  return joined;
}

/** Fragments that lie side by side in one buffer as one, without copying. */
export function joinNeighbours(fragments: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = [];
  let first: Buffer | null = null;
  let end = 0;
  const close = (): void => {
    if (first !== null && end > first.byteOffset) joined.push(Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset));
  };
  for (const fragment of fragments) {
    if (first === null || fragment.buffer !== first.buffer || fragment.byteOffset !== end) {
      close();
      first = fragment;
      end = fragment.byteOffset;
    }
    end += fragment.length;
  }
  close();
  return joined;
}
