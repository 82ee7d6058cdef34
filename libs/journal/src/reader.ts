import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AffiantError } from '#errors';
import { DurableEnd } from './durable-end.js';
import { SEGMENT_HEADER_BYTES, segmentName } from './format.js';
import { openFrame, segmentKey } from './frame.js';
import type { StoredRecord } from './port.js';
import { SegmentCursor, type Frame, type NoFrame } from './segment-cursor.js';
import { corrupt, isTornTail, listSegments, readSegmentHeader } from './verify-segments.js';
import { readWatermark, waitForWatermark, wakeWaiters } from './watermarks.js';

/** Poll of a source that another process writes. */
const POLL_MS = 50;
/** One remembered place per so many bytes of a segment makes a jump back cheap. */
const INDEX_STEP_BYTES = 1024 * 1024;

export interface JournalReaderOptions {
  readonly directory: string;
  readonly sourceId: string;
  readonly key: Buffer;
  /**
   * The writer's watermark, when it lives in this process: nothing above it is read. Without it (closed source, offline tool, other
   * process) the end of the valid frames counts as durable.
   */
  readonly watermark?: SharedArrayBuffer;
}

export interface ReadLimits {
  readonly maxRecords: number;
  /** Payload bytes; one record is always read, however large. */
  readonly maxBytes: number;
}

interface OpenSegment {
  readonly path: string;
  readonly baseSeq: number;
  readonly inode: number;
  readonly key: Buffer;
  readonly file: FileHandle;
  readonly cursor: SegmentCursor;
  /** Seq of the first record behind the cursor. */
  atSeq: number;
  /** Some frames with their offsets, ascending. */
  readonly places: { readonly seq: number; readonly offset: number }[];
}

/**
 * Reads a source from a seq on, behind its writer. One call at a time.
 * A segment that is rolled while it is read is left at its end; one that is deleted while it is read is read to its end.
 */
export class JournalReader {
  readonly sourceId: string;
  readonly #options: JournalReaderOptions;
  readonly #end = new DurableEnd();
  #segment: OpenSegment | null = null;
  /** Records of the frame read last, and which of them comes next. */
  #records: readonly StoredRecord[] = [];
  #next = 0;

  constructor(options: JournalReaderOptions) {
    this.#options = options;
    this.sourceId = options.sourceId;
  }

  /** Oldest seq that is retained; the next seq to come when there is none. */
  async firstSeq(): Promise<number> {
    return (await listSegments(this.#options.directory))[0] ?? 1;
  }

  /** Highest seq that may be read now, 0 when there is none. */
  async durableSeq(): Promise<number> {
    const { watermark, directory } = this.#options;
    return watermark === undefined ? this.#end.seq(directory) : (readWatermark(watermark) ?? 0);
  }

  /**
   * Up to `limits` records from `from` on, in order and dense; none when `from` is not durable yet.
   * @throws AffiantError not_found when `from` was trimmed away; journal_corrupt with file and offset.
   */
  async read(from: number, limits: ReadLimits): Promise<readonly StoredRecord[]> {
    const { watermark } = this.#options;
    // Without a watermark the frames themselves say where the end is.
    const durable = watermark === undefined ? Infinity : (readWatermark(watermark) ?? 0);
    const records: StoredRecord[] = [];
    let bytes = 0;
    while (records.length < limits.maxRecords) {
      const seq = from + records.length;
      if (seq > durable || !(await this.#load(seq))) break;
      const record = this.#records[this.#next] as StoredRecord;
      if (records.length > 0 && bytes + record.payload.length > limits.maxBytes) break;
      records.push(record);
      bytes += record.payload.length;
      this.#next += 1;
    }
    return records;
  }

  /** Resolves when a record above `seq` may be there, at the latest after `timeoutMs`. */
  async waitBeyond(seq: number, timeoutMs: number): Promise<void> {
    const { watermark } = this.#options;
    if (watermark === undefined) await delay(Math.min(timeoutMs, POLL_MS));
    else await waitForWatermark(watermark, seq, timeoutMs);
  }

  /** Ends a `waitBeyond` that is under way. */
  wake(): void {
    if (this.#options.watermark !== undefined) wakeWaiters(this.#options.watermark);
  }

  async close(): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    this.#records = [];
    this.#next = 0;
    await segment?.file.close();
  }

  /** Makes `seq` the next record. False when it is not there yet. */
  async #load(seq: number): Promise<boolean> {
    const index = seq - (this.#records[0]?.seq ?? Infinity);
    if (index >= 0 && index < this.#records.length) {
      this.#next = index;
      return true;
    }
    if (this.#segment?.atSeq !== seq) {
      if (!(await this.#findSegment(seq))) return false;
      this.#jump(seq);
    }
    for (let doubted = -1; ;) {
      const segment = this.#segment as OpenSegment;
      const frame = await segment.cursor.next();
      if (frame.kind === 'frame') {
        if (this.#pass(segment, frame, seq)) return true;
        continue;
      }
      if (frame.kind === 'end') await this.#findSegment(seq);
      if (this.#segment !== segment) continue;
      const damage = await this.#damageAt(segment, frame, seq);
      if (damage === null) return false;
      // The writer may have been writing this frame at the first look. What was found behind it comes later, so at the second look it is whole.
      if (doubted === frame.offset) throw corrupt(segment.path, frame.offset, damage);
      doubted = frame.offset;
    }
  }

  /** Steps behind a frame; true when it holds `seq`, whose records are then loaded. */
  #pass(segment: OpenSegment, { offset, header, headerBytes, body }: Frame, seq: number): boolean {
    if (header.firstSeq !== segment.atSeq) throw corrupt(segment.path, offset, 'the frame is out of order');
    const place = segment.places.at(-1);
    if (place === undefined || offset >= place.offset + INDEX_STEP_BYTES) segment.places.push({ seq: header.firstSeq, offset });
    segment.atSeq += header.count;
    if (segment.atSeq <= seq) return false;
    const records = openFrame(segment.key, header, headerBytes, body);
    if (records === null) throw corrupt(segment.path, offset, 'the frame does not authenticate: altered, or written with another key');
    this.#records = records;
    this.#next = seq - header.firstSeq;
    return true;
  }

  /** There is no frame with `seq`: null when it may still come, what is wrong when it must be there. */
  async #damageAt(segment: OpenSegment, at: NoFrame, seq: number): Promise<string | null> {
    const mustBeThere = this.#options.watermark !== undefined || (await listSegments(this.#options.directory)).some((base) => base > seq);
    if (mustBeThere) return 'a durable frame is missing or damaged';
    return (await isTornTail(segment.file, at)) ? null : 'a frame is damaged, and more follows';
  }

  /** Makes the segment that holds `seq`, or will, the current one. False when there is no segment at all. */
  async #findSegment(seq: number): Promise<boolean> {
    for (;;) {
      const bases = await listSegments(this.#options.directory);
      const baseSeq = bases.findLast((base) => base <= seq);
      if (baseSeq === undefined) {
        if (bases.length === 0) return false;
        throw new AffiantError('not_found', `record ${seq} of ${this.sourceId} is no longer in the journal`, {
          where: `oldest is ${bases[0]}`,
        });
      }
      const path = join(this.#options.directory, segmentName(baseSeq));
      const current = this.#segment;
      try {
        // A segment without records may have been begun anew by the next writer, under the same name.
        const isCurrent = current?.baseSeq === baseSeq && (current.atSeq > baseSeq || (await stat(path)).ino === current.inode);
        if (!isCurrent) await this.#enter(path, baseSeq);
        return true;
      } catch (cause) {
        // Trimmed between the listing and now: look again, the listing tells whether `seq` itself is gone.
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      }
    }
  }

  /** Moves the cursor of the current segment near `seq`, never behind it. */
  #jump(seq: number): void {
    const segment = this.#segment as OpenSegment;
    const place = segment.places.findLast((known) => known.seq <= seq);
    if (place === undefined || (segment.atSeq <= seq && place.seq <= segment.atSeq)) return;
    segment.cursor.seek(place.offset);
    segment.atSeq = place.seq;
  }

  async #enter(path: string, baseSeq: number): Promise<void> {
    const file = await open(path, 'r');
    try {
      const header = await readSegmentHeader(file, path, this.sourceId, baseSeq);
      const { ino: inode } = await file.stat();
      await this.close();
      const cursor = new SegmentCursor(file, SEGMENT_HEADER_BYTES);
      const places = [{ seq: baseSeq, offset: SEGMENT_HEADER_BYTES }];
      this.#segment = { path, baseSeq, inode, key: segmentKey(this.#options.key, header), file, cursor, atSeq: baseSeq, places };
    } catch (cause) {
      await file.close();
      throw cause;
    }
  }
}
