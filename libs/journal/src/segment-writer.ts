import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AffiantError } from '#errors';
import { encodeSegmentHeader, FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, segmentName, TAG_BYTES, type SegmentHeader } from './format.js';
import { FrameSealer, segmentKey } from './frame.js';
import type { NewRecord } from './port.js';
import type { SegmentFile, SegmentFiles } from './segment-files.js';
import type { Segment } from './verify-segments.js';

export const FRAME_OVERHEAD_BYTES = FRAME_HEADER_BYTES + TAG_BYTES;

export interface SegmentStart {
  readonly directory: string;
  readonly sourceId: string;
  readonly bootEpoch: number;
  readonly baseSeq: number;
  readonly previousHash: Buffer;
}

/** Writes the frames of one segment, one after the other. */
export class SegmentWriter {
  #frames = 0;
  #bytes = SEGMENT_HEADER_BYTES;
  #nextSeq: number;

  private constructor(
    readonly path: string,
    readonly baseSeq: number,
    private readonly sealer: FrameSealer,
    private readonly file: SegmentFile,
  ) {
    this.#nextSeq = baseSeq;
  }

  /**
   * Creates the segment file durably, header included. `replace` when an earlier life left a segment of that base without any record:
   * it gets a new salt too, so that a frame number is never used twice under one key.
   * @throws AffiantError journal_failed when the file is there although it must not be: a second writer is at work.
   */
  static async create(files: SegmentFiles, key: Buffer, start: SegmentStart, replace: boolean): Promise<SegmentWriter> {
    const header: SegmentHeader = { ...start, salt: randomBytes(32) };
    const path = join(start.directory, segmentName(start.baseSeq));
    const bytes = encodeSegmentHeader(header);
    if (replace) await files.replace(path, bytes);
    else if (!(await files.create(path, bytes))) {
      throw new AffiantError('journal_failed', 'the next segment exists already: another writer is at work', { where: path });
    }
    return new SegmentWriter(path, start.baseSeq, new FrameSealer(segmentKey(key, header)), await files.open(path));
  }

  get bytes(): number {
    return this.#bytes;
  }

  get segment(): Segment {
    return { path: this.path, baseSeq: this.baseSeq, lastSeq: this.#nextSeq - 1, bytes: this.#bytes };
  }

  /**
   * Appends one frame; durable when it resolves. A crash in between leaves a torn frame, which the next open cuts off, or the whole frame,
   * whose records then count although nobody was told.
   */
  async write(records: readonly NewRecord[], bytes: number): Promise<void> {
    const parts = await this.sealer.seal({ firstSeq: this.#nextSeq, number: this.#frames, records, bytes });
    await this.file.append(parts);
    this.#frames += 1;
    this.#nextSeq += records.length;
    this.#bytes += bytes + FRAME_OVERHEAD_BYTES;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
