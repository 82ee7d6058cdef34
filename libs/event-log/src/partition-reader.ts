import { setTimeout as delay } from 'node:timers/promises';
import { AffiantError, isAffiantError } from '#errors';
import { ALL_TOPICS, type Topic } from '#events';
import type { JournalReader, StoredRecord } from '#journal';
import type { GroupOffsets } from './group-offsets.js';
import type { BatchHandler, Committed, LogBatch, LogRecord, SubscribeOptions } from './port.js';
import { DEFAULT_RETRY, withRetries } from './retry.js';

/** Longest sleep while nothing comes. */
const IDLE_MS = 1_000;

/** Passing over other topics is committed at most this often: losing it costs a little reading, keeping it costs two fsyncs. */
const COMMIT_PAST_EVERY_MS = 1_000;

/** What was read in one go, before the topics that nobody asked for are left out. */
interface Stretch {
  readonly records: readonly StoredRecord[];
  readonly lastOffset: number;
}

/** Reads one partition for one group: serial, in order, at least once. */
export class PartitionReader {
  readonly #topics: ReadonlySet<Topic>;
  /** Where this run began. */
  #begun = 0;
  /** First offset behind the last record that was handed over. */
  #handedTo = 0;
  #passedTo = 0;
  #passedAt = 0;
  /** Until the first batch is handed over. */
  #assigned: LogBatch['assigned'];

  constructor(
    private readonly partition: string,
    private readonly reader: JournalReader,
    private readonly offsets: GroupOffsets,
    private readonly options: SubscribeOptions,
    private readonly onBatch: BatchHandler,
    private readonly stop: AbortSignal,
  ) {
    this.#topics = new Set(options.topics);
  }

  /** Runs until it is stopped. @throws what ends the subscription. */
  async run(): Promise<void> {
    const wake = (): void => this.reader.wake();
    this.stop.addEventListener('abort', wake);
    try {
      const committed = this.offsets.committed.get(this.partition);
      this.#assigned = { committed: committed ?? null };
      let next = committed?.offset ?? (await this.reader.firstSeq());
      this.#begun = next;
      this.#handedTo = next;
      let replayTo = this.#replayTo(committed);
      while (!this.stop.aborted) {
        const stretch = replayTo === null ? await this.#readNew(next) : await this.#readAgain(next, replayTo);
        if (stretch !== null) {
          await this.#handOver(stretch);
          next = stretch.lastOffset + 1;
          replayTo = null;
        }
        if (performance.now() - this.#passedAt >= COMMIT_PAST_EVERY_MS) await this.#commitPast();
      }
      await this.#commitPast();
    } finally {
      this.stop.removeEventListener('abort', wake);
      await this.reader.close();
    }
  }

  #replayTo(committed: Committed | undefined): number | null {
    if (committed === undefined || committed.metadata === null) return null;
    const to = this.options.replayTo?.(committed) ?? null;
    return to !== null && to >= committed.offset ? to : null;
  }

  async #readNew(from: number): Promise<Stretch | null> {
    const { maxBatchRecords, maxBatchBytes, lingerMs = 0 } = this.options;
    const limits = { maxRecords: maxBatchRecords, maxBytes: maxBatchBytes };
    let records: readonly StoredRecord[];
    try {
      records = await this.reader.read(from, limits);
    } catch (error) {
      return this.#skipTrimmed(error, from);
    }
    if (records.length === 0) {
      if (!this.stop.aborted) await this.reader.waitBeyond(from - 1, IDLE_MS);
      return null;
    }
    if (lingerMs > 0 && records.length < maxBatchRecords) {
      await delay(lingerMs, undefined, { signal: this.stop }).catch(() => undefined);
      records = await this.reader.read(from, limits);
    }
    return { records, lastOffset: from + records.length - 1 };
  }

  /** Nothing to hand over, up to the oldest record that is left. */
  async #skipTrimmed(error: unknown, from: number): Promise<Stretch> {
    const isTrimmed = isAffiantError(error) && error.code === 'not_found';
    const first = await this.reader.firstSeq();
    if (this.options.whenTrimmed !== 'skip' || !isTrimmed || first <= from) throw error;
    return { records: [], lastOffset: first - 1 };
  }

  /** The very range that was cut before a crash, however large. */
  async #readAgain(from: number, to: number): Promise<Stretch> {
    const records: StoredRecord[] = [];
    for (let next = from; next <= to;) {
      const more = await this.reader.read(next, { maxRecords: to - next + 1, maxBytes: this.options.maxBatchBytes });
      if (more.length === 0) {
        throw new AffiantError('event_log_failed', `${this.partition} ends before offset ${to}, which was read from it before`);
      }
      records.push(...more);
      next += more.length;
    }
    return { records, lastOffset: to };
  }

  async #handOver({ records, lastOffset }: Stretch): Promise<void> {
    const wanted = records.map((record) => toLogRecord(this.partition, record)).filter(({ topic }) => this.#topics.has(topic));
    const first = wanted[0];
    const last = wanted.at(-1);
    if (first !== undefined && last !== undefined) {
      const batch: LogBatch = {
        partition: this.partition,
        records: wanted,
        firstOffset: first.offset,
        lastOffset: last.offset,
        ...(this.#assigned === undefined ? {} : { assigned: this.#assigned }),
      };
      this.#assigned = undefined;
      await withRetries(() => this.onBatch(batch), this.options.retry ?? DEFAULT_RETRY, this.stop);
      this.#handedTo = last.offset + 1;
    }
    this.#passedTo = lastOffset + 1;
  }

  /**
   * Moves the commit over records of other topics behind the last one handed over, so that they do not count as lag for ever. Only when the
   * handler has committed everything before them and left no intent: else the commit is not ours to move.
   */
  async #commitPast(): Promise<void> {
    if (this.#passedTo <= this.#handedTo) return;
    const committed = this.offsets.committed.get(this.partition) ?? { offset: this.#begun, metadata: null };
    if (committed.metadata !== null || committed.offset < this.#handedTo || committed.offset >= this.#passedTo) return;
    this.#passedAt = performance.now();
    await this.offsets.commit(this.partition, this.#passedTo, null);
  }
}

/** @throws AffiantError event_log_failed for a topic that a newer version wrote: passing over it would be a silent hole. */
export function toLogRecord(partition: string, { seq, topic, payload }: StoredRecord): LogRecord {
  const name = ALL_TOPICS[topic];
  if (name === undefined) throw new AffiantError('event_log_failed', `unknown topic ${topic}`, { where: `${partition} offset ${seq}` });
  return { topic: name, partition, offset: seq, value: payload };
}
