import type { Slices } from './slices.js';

/** Replaces the bytes [start, end) of a buffer. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

const COPY_BYTES = 1 << 20;
const EDITS_PER_CHECK = 256;

/** The whole of `source` with edits (ascending, not overlapping); `source` itself when there are none. */
export function splice(source: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return source;
  const target = Buffer.allocUnsafe(splicedLength(0, source.length, edits));
  let from = 0;
  let at = 0;
  for (const edit of edits) {
    at += source.copy(target, at, from, edit.start);
    at += edit.bytes.copy(target, at);
    from = edit.end;
  }
  source.copy(target, at, from);
  return target;
}

/** The bytes [start, end) of `source` with edits inside that range, as a buffer of its own, made in slices. */
export async function spliceRange(source: Buffer, start: number, end: number, edits: readonly Edit[], slices: Slices): Promise<Buffer> {
  const target = Buffer.allocUnsafeSlow(splicedLength(start, end, edits));
  let from = start;
  let at = 0;
  const copyTo = async (stop: number): Promise<void> => {
    while (from < stop) {
      const next = Math.min(stop, from + COPY_BYTES);
      at += source.copy(target, at, from, next);
      from = next;
      if (from < stop && slices.spent) await slices.turn();
    }
  };
  for (let i = 0; i < edits.length; i++) {
    const edit = edits[i]!;
    if (edit.start - from <= COPY_BYTES) at += source.copy(target, at, from, edit.start);
    else await copyTo(edit.start);
    at += edit.bytes.copy(target, at);
    from = edit.end;
    if (i % EDITS_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  await copyTo(end);
  return target;
}

function splicedLength(start: number, end: number, edits: readonly Edit[]): number {
  let length = end - start;
  let at = start;
  for (const edit of edits) {
    if (edit.start < at || edit.end < edit.start || edit.end > end)
      throw new RangeError('edits overlap, are not sorted, or leave the range');
    length += edit.bytes.length - (edit.end - edit.start);
    at = edit.end;
  }
  return length;
}
