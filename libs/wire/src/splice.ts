import type { Slices, Steps } from './slices.js';

/** Replaces the bytes [start, end) of a buffer. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

const COPY_BYTES = 256 << 10;
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

/** Like `splice`, in steps. */
export function* spliceSteps(source: Buffer, edits: readonly Edit[]): Steps<Buffer> {
  if (edits.length === 0) return source;
  let length = source.length;
  for (let first = 0; first < edits.length; first += EDITS_PER_CHECK) {
    const begin = first === 0 ? 0 : edits[first - 1]!.end;
    const some = edits.slice(first, first + EDITS_PER_CHECK);
    length += splicedLength(begin, source.length, some) - (source.length - begin);
    yield;
  }
  const target = Buffer.allocUnsafeSlow(length);
  let from = 0;
  let at = 0;
  for (let i = 0; i <= edits.length; i++) {
    const edit = edits[i];
    const stop = edit?.start ?? source.length;
    while (from < stop) {
      const next = Math.min(stop, from + COPY_BYTES);
      at += source.copy(target, at, from, next);
      from = next;
      if (from < stop) yield;
    }
    if (edit === undefined) break;
    at += edit.bytes.copy(target, at);
    from = edit.end;
    if (i % EDITS_PER_CHECK === EDITS_PER_CHECK - 1) yield;
  }
  return target;
}

/** One buffer of many, in steps: touching megabytes of new memory at once would hold the event loop. */
export function* concatSteps(parts: readonly Buffer[]): Steps<Buffer> {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  let total = 0;
  for (const part of parts) total += part.length;
  if (total <= COPY_BYTES) return Buffer.concat(parts, total);
  const target = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const part of parts) {
    for (let from = 0; from < part.length; from += COPY_BYTES) {
      at += part.copy(target, at, from, Math.min(part.length, from + COPY_BYTES));
      yield;
    }
  }
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
