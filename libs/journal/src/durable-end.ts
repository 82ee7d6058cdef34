import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SEGMENT_HEADER_BYTES, segmentName } from './format.js';
import { SegmentCursor } from './segment-cursor.js';
import { listSegments } from './verify-segments.js';

/** Finds the end of a source that another process writes, or nobody: the seq of the last whole frame. Goes on from where it ended before. */
export class DurableEnd {
  #baseSeq = 0;
  #offset = SEGMENT_HEADER_BYTES;
  #nextSeq = 1;

  async seq(directory: string): Promise<number> {
    const newest = (await listSegments(directory)).at(-1);
    if (newest === undefined) return 0;
    const file = await open(join(directory, segmentName(newest)), 'r');
    try {
      const { size } = await file.stat();
      if (newest !== this.#baseSeq || size < this.#offset) {
        this.#baseSeq = newest;
        this.#offset = SEGMENT_HEADER_BYTES;
        this.#nextSeq = newest;
      }
      const cursor = new SegmentCursor(file, this.#offset);
      for (let frame = await cursor.next(); frame.kind === 'frame'; frame = await cursor.next()) this.#nextSeq += frame.header.count;
      this.#offset = cursor.offset;
      return this.#nextSeq - 1;
    } finally {
      await file.close();
    }
  }
}
