import { encodeJsonText, rawOffset, splice, type Edit } from '#wire';
import type { StreamEvent } from './read-frame.js';

/** The frame's bytes with edits (offsets in its data, in any order) carried out; the frame's own bytes when there are none. */
export function frameBytes(event: StreamEvent, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return event.frame.raw;
  const raw = edits.map((edit) => ({
    start: rawOffset(event.frame, edit.start),
    end: rawOffset(event.frame, edit.end),
    bytes: edit.bytes,
  }));
  return splice(
    event.frame.raw,
    raw.sort((a, b) => a.start - b.start),
  );
}

/** Replaces the whole content of a string value. */
export function textEdit(range: { readonly start: number; readonly end: number }, text: string): Edit {
  return { start: range.start, end: range.end, bytes: Buffer.from(encodeJsonText(text)) };
}
