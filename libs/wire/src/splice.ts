/** Replaces the bytes [start, end) of a buffer. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/**
 * The bytes [start, end) of `source` with edits (ascending, not overlapping, inside the range) as fragments in order: views of the
 * source and the replacements. Copies nothing.
 */
export function spliceFragments(source: Buffer, start: number, end: number, edits: readonly Edit[]): Buffer[] {
  const fragments: Buffer[] = [];
  let at = start;
  for (const edit of edits) {
    if (edit.start < at || edit.end < edit.start || edit.end > end)
      throw new RangeError('edits overlap, are not sorted, or leave the range');
    if (edit.start > at) fragments.push(source.subarray(at, edit.start));
    if (edit.bytes.length > 0) fragments.push(edit.bytes);
    at = edit.end;
  }
  if (at < end) fragments.push(source.subarray(at, end));
  return fragments;
}

/** The whole of `source` with edits; `source` itself when there are none. */
export function splice(source: Buffer, edits: readonly Edit[]): Buffer {
  return edits.length === 0 ? source : Buffer.concat(spliceFragments(source, 0, source.length, edits));
}
