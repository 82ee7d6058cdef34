import { runInSlices, type Slices, type Steps } from './slices.js';

/** Replaces the bytes [start, end) of a buffer. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

const COPY_BYTES = 256 << 10;
const EDITS_PER_STEP = 64;

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

/** The bytes [start, end) of `source` with edits inside that range, made in slices; a view of `source` when there are none. */
export async function spliceRange(source: Buffer, start: number, end: number, edits: readonly Edit[], slices: Slices): Promise<Buffer> {
  return runInSlices(spliceSteps(source, edits, start, end), slices);
}

/** Like `splice`, in steps, of the bytes [start, end). */
export function* spliceSteps(source: Buffer, edits: readonly Edit[], start = 0, end = source.length): Steps<Buffer> {
  if (edits.length === 0) return source.subarray(start, end);
  let length = end - start;
  for (let first = 0; first < edits.length; first += EDITS_PER_STEP) {
    const begin = first === 0 ? start : edits[first - 1]!.end;
    const some = edits.slice(first, first + EDITS_PER_STEP);
    length += splicedLength(begin, end, some) - (end - begin);
    yield;
  }
  const target = Buffer.allocUnsafeSlow(length);
  let from = start;
  let at = 0;
  for (let i = 0; i <= edits.length; i++) {
    const edit = edits[i];
    const stop = edit?.start ?? end;
    while (from < stop) {
      const next = Math.min(stop, from + COPY_BYTES);
      at += source.copy(target, at, from, next);
      from = next;
      if (from < stop) yield;
    }
    if (edit === undefined) break;
    at += edit.bytes.copy(target, at);
    from = edit.end;
    if (i % EDITS_PER_STEP === EDITS_PER_STEP - 1) yield;
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
