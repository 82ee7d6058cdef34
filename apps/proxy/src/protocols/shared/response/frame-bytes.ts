import { encodeJsonText, rawOffset, splice, type Edit, type SseFrame } from '#wire';
import type { PlacedLeaf } from '../leaf-collector.js';

/** An event of a stream: its frame, and what in its data may be rewritten. Offsets are bytes of `data`. */
export interface FramedEvent {
  readonly frame: SseFrame;
  readonly data: Buffer;
  /** Strings that may be rewritten; null when the data is not JSON. */
  readonly leaves: readonly PlacedLeaf[] | null;
}

/** The frame's bytes with edits (offsets in its data, in any order) carried out; the frame's own bytes when there are none. */
export function frameBytes(event: Pick<FramedEvent, 'frame'>, edits: readonly Edit[]): Buffer {
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
