import { AffiantError, toAffiantError } from '#errors';
import { payloadHash } from '#events';
import type { DirectoryLock } from '#durable';
import { turns } from '#wire';
import { writeAside } from './aside.js';
import { payloadBytes, RECORD_HEADER_BYTES } from './frame.js';
import type { Journal, NewRecord } from './port.js';
import type { SegmentFiles } from './segment-files.js';
import { FRAME_OVERHEAD_BYTES, SegmentWriter } from './segment-writer.js';
import type { Segment } from './verify-segments.js';
import { publishWatermark } from './watermarks.js';

/** A frame gathers waiting appends up to this size; a single larger append has a frame of its own. */
const BATCH_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The last record, or only its hash: it is computed when somebody asks for it. */
type Hashed = { readonly hash?: Buffer; readonly payload?: Buffer };

export interface FileJournalState {
  readonly directory: string;
  readonly sourceId: string;
  readonly key: Buffer;
  readonly segmentBytes: number;
  readonly highWaterBytes: number;
  readonly bootEpoch: number;
  readonly files: SegmentFiles;
  readonly lock: DirectoryLock;
  readonly watermark: SharedArrayBuffer;
  /** Segments of earlier lives, ascending. */
  readonly older: readonly Segment[];
  readonly active: SegmentWriter;
  readonly nextSeq: number;
  readonly lastHash: Buffer;
}

/**
 * The one writer of a source. Group commit: while one frame is on its way to the disk, what is appended meanwhile gathers into the next.
 * One frame is under way at a time, so that only the last frame of a segment can ever be torn.
 */
export class FileJournal implements Journal {
  readonly sourceId: string;
  readonly bootEpoch: number;
  readonly #state: FileJournalState;
  #older: Segment[];
  #active: SegmentWriter;
  #nextSeq: number;
  #durableSeq: number;
  #last: Hashed;
  #lastDurable: Hashed;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #olderBytes: number;
  #writing: Promise<void> | null = null;
  #failure: AffiantError | null = null;
  #closed: Promise<void> | null = null;
  #trimming: Promise<void> = Promise.resolve();

  constructor(state: FileJournalState) {
    this.#state = state;
    this.sourceId = state.sourceId;
    this.bootEpoch = state.bootEpoch;
    this.#older = [...state.older];
    this.#olderBytes = sum(state.older);
    this.#active = state.active;
    this.#nextSeq = state.nextSeq;
    this.#durableSeq = state.nextSeq - 1;
    this.#last = { hash: state.lastHash };
    this.#lastDurable = this.#last;
    publishWatermark(state.watermark, this.#durableSeq);
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  get durableSeq(): number {
    return this.#durableSeq;
  }

  get pendingBytes(): number {
    return this.#olderBytes + this.#active.bytes + this.#queuedBytes;
  }

  get lastHash(): Buffer {
    const hash = hashOf(this.#last);
    if (this.#last.hash === undefined) this.#last = { ...this.#last, hash };
    return hash;
  }

  append(records: readonly NewRecord[]): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#closed !== null) return Promise.reject(new AffiantError('journal_failed', `the journal of ${this.sourceId} is closed`));
    const last = records.at(-1);
    if (last === undefined) return Promise.resolve();
    let bytes = 0;
    for (const record of records) bytes += RECORD_HEADER_BYTES + payloadBytes(record);
    if (this.pendingBytes + bytes + FRAME_OVERHEAD_BYTES > this.#state.highWaterBytes) return Promise.reject(this.#full());
    this.#nextSeq += records.length;
    this.#queuedBytes += bytes;
    this.#last = last;
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, bytes, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** True when `acknowledge(seq, …)` would delete something. */
  canTrim(seq: number): boolean {
    const oldest = this.#older[0];
    return oldest !== undefined && oldest.lastSeq <= seq;
  }

  /** Replaces what is kept beside the records; see aside.ts. */
  writeAside(content: Buffer): Promise<void> {
    return writeAside(this.#state, content).catch((cause: unknown) => {
      throw toAffiantError(cause, 'journal_failed', 'what must outlive a trim could not be written');
    });
  }

  acknowledge(seq: number, keepFrom: number): Promise<void> {
    // One at a time and oldest first, so that a crash in between never leaves a hole among the segments.
    const trimmed = this.#trimming.then(() => this.#trim(Math.min(seq, keepFrom - 1)));
    this.#trimming = trimmed.catch(() => undefined);
    return trimmed;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #write(): Promise<void> {
    // Everything that this turn of the event loop appends goes into one frame.
    await turn();
    while (this.#queue.length > 0 && this.#failure === null) {
      const batch = this.#takeBatch();
      try {
        await this.#writeBatch(batch);
      } catch (cause) {
        this.#fail(cause, batch);
        break;
      }
      for (const waiting of batch) waiting.resolve();
      await turn();
    }
    this.#writing = null;
  }

  #takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      if (count > 0 && bytes + waiting.bytes > BATCH_BYTES) break;
      bytes += waiting.bytes;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const records = batch.length === 1 ? (batch[0] as Waiting).records : batch.flatMap((waiting) => waiting.records);
    let bytes = 0;
    for (const waiting of batch) bytes += waiting.bytes;
    const isEmpty = this.#active.segment.lastSeq < this.#active.baseSeq;
    if (!isEmpty && this.#active.bytes + bytes + FRAME_OVERHEAD_BYTES > this.#state.segmentBytes) await this.#roll();
    await this.#active.write(records, bytes);
    // Commit point: the records are on stable storage. A crash from here on loses none of them.
    this.#queuedBytes -= bytes;
    this.#durableSeq += records.length;
    this.#lastDurable = records.at(-1) as NewRecord;
    publishWatermark(this.#state.watermark, this.#durableSeq);
  }

  /** A crash in between leaves the old segment whole and last, or the new one without a record: both open well. */
  async #roll(): Promise<void> {
    const old = this.#active;
    const { files, key } = this.#state;
    const start = { ...this.#state, baseSeq: this.#durableSeq + 1, previousHash: hashOf(this.#lastDurable) };
    this.#active = await SegmentWriter.create(files, key, start, false);
    this.#older.push(old.segment);
    this.#olderBytes += old.bytes;
    await old.close();
  }

  async #trim(upTo: number): Promise<void> {
    for (let oldest = this.#older[0]; oldest !== undefined && oldest.lastSeq <= upTo; oldest = this.#older[0]) {
      await this.#remove(oldest.path);
      this.#older.shift();
      this.#olderBytes -= oldest.bytes;
    }
  }

  /** A segment that cannot be removed only takes room: the next acknowledgement tries again. */
  async #remove(path: string): Promise<void> {
    try {
      await this.#state.files.remove(path);
    } catch (cause) {
      throw toAffiantError(cause, 'journal_failed', 'an acknowledged segment could not be removed');
    }
  }

  /** After a failed write nobody knows what the disk holds, so the journal ends here; the next open finds out. */
  #fail(cause: unknown, batch: readonly Waiting[]): void {
    const failure = toAffiantError(cause, 'journal_failed', 'the journal could not be written');
    this.#failure = failure;
    const waiting = [...batch, ...this.#queue];
    this.#queue = [];
    for (const { reject } of waiting) reject(failure);
  }

  async #close(): Promise<void> {
    try {
      // What was accepted before is still written; from now on nothing is accepted.
      await this.#writing;
      await this.#trimming;
      // The seal tells the next open that nothing behind the last record can be torn.
      if (this.#failure === null) await this.#active.write([], 0);
      await this.#active.close();
    } catch (cause) {
      throw toAffiantError(cause, 'journal_failed', 'the journal could not be closed');
    } finally {
      await this.#state.lock.release();
    }
  }

  #full(): AffiantError {
    return new AffiantError(
      'journal_full',
      `the journal of ${this.sourceId} holds ${this.pendingBytes} bytes that the ledger has not acknowledged`,
    );
  }
}

/** Ahead of what large bodies do in this turn: the disk then works beside it, and not after it. */
const turn = (): Promise<void> => new Promise((resolve) => turns.soon(resolve));

const hashOf = (last: Hashed): Buffer => last.hash ?? payloadHash(last.payload ?? Buffer.alloc(0));

const sum = (segments: readonly Segment[]): number => segments.reduce((bytes, segment) => bytes + segment.bytes, 0);
