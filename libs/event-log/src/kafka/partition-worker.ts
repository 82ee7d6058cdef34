import { AffiantError } from '#errors';
import type { BatchHandler, Committed, LogBatch, LogRecord, SubscribeOptions } from '../port.js';
import { DEFAULT_RETRY, withRetries } from '../retry.js';

export interface WorkerStart {
  readonly partition: string;
  /** First offset for the handler. */
  readonly position: number;
  /** Offset that ends the first batch, whatever the maximums say. */
  readonly replayTo: number | null;
  /** Whether the record before `position` comes first, to be verified. */
  readonly verify: boolean;
  /** What was committed; null when nothing was. */
  readonly committed: Committed | null;
}

/** Stops and starts the fetching of the partition. */
export interface Tap {
  pause(): void;
  resume(): void;
}

/** One partition for the time it is assigned: records come in as they are fetched, and go out in batches, one at a time. */
export class PartitionWorker {
  readonly #start: WorkerStart;
  readonly #options: SubscribeOptions;
  readonly #onBatch: BatchHandler;
  readonly #tap: Tap;
  readonly #stop = new AbortController();
  readonly #buffer: LogRecord[] = [];
  #bytes = 0;
  /** Offset of the record that must come next. */
  #next: number;
  #replayTo: number | null;
  #paused = true;
  #wake: () => void = () => {};
  #failure: unknown;
  #begun = false;

  constructor(start: WorkerStart, options: SubscribeOptions, onBatch: BatchHandler, tap: Tap) {
    this.#start = start;
    this.#options = options;
    this.#onBatch = onBatch;
    this.#tap = tap;
    this.#next = start.verify ? start.position - 1 : start.position;
    this.#replayTo = start.replayTo;
  }

  /** The offset a fetch must begin at. */
  get fetchFrom(): number {
    return this.#next;
  }

  /** A batch of this assignment was handed out. */
  get begun(): boolean {
    return this.#begun;
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** What was fetched. Records that are there already are passed over; a hole is a contradiction, since nothing may be missed in silence. */
  offer(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.offset < this.#next) continue;
      if (record.offset > this.#next) {
        this.#failure = new AffiantError('ledger_conflict', `${this.#start.partition} goes on at ${record.offset}, not at ${this.#next}`);
        break;
      }
      this.#next += 1;
      this.#buffer.push(record);
      this.#bytes += record.value.length;
    }
    if (this.#full()) this.#pause();
    this.#wake();
  }

  /** Hands out batches until stopped. @throws what the handler failed with for good */
  async run(): Promise<void> {
    this.#resume();
    if (this.#start.verify) await this.#verify();
    while (await this.#filled(1)) {
      if (this.#replayTo === null && this.#options.lingerMs !== undefined) await this.#linger(this.#options.lingerMs);
      // The batch an intent names is whole or not at all.
      if (this.#replayTo !== null && !(await this.#filled(this.#replayTo - (this.#buffer[0]?.offset ?? 0) + 1))) return;
      const records = this.#take();
      this.#replayTo = null;
      if (!this.#full()) this.#resume();
      const [first, last] = [records[0] as LogRecord, records.at(-1) as LogRecord];
      const assigned: Pick<LogBatch, 'assigned'> = this.#begun ? {} : { assigned: { committed: this.#start.committed } };
      const batch: LogBatch = {
        partition: this.#start.partition,
        records,
        firstOffset: first.offset,
        lastOffset: last.offset,
        ...assigned,
      };
      this.#begun = true;
      await withRetries(() => this.#onBatch(batch), this.#options.retry ?? DEFAULT_RETRY, this.#stop.signal);
    }
  }

  /** No batch after the one in hand. */
  stop(): void {
    this.#stop.abort();
    this.#wake();
  }

  async #verify(): Promise<void> {
    if (!(await this.#filled(1))) return;
    const last = this.#buffer.shift() as LogRecord;
    this.#bytes -= last.value.length;
    await this.#options.verifyLast?.(last.partition, last.offset, last.value);
  }

  /** Waits for `records` in the buffer; false when stopped. */
  async #filled(records: number): Promise<boolean> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.stopped) return false;
      if (this.#buffer.length >= records) return true;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Waits until the batch is full, at most so long. */
  async #linger(ms: number): Promise<void> {
    const over = new AbortController();
    const timer = setTimeout(() => {
      over.abort();
      this.#wake();
    }, ms);
    while (!over.signal.aborted && !this.stopped && !this.#full()) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }

  #take(): LogRecord[] {
    const { maxBatchRecords, maxBatchBytes } = this.#options;
    let count = 0;
    let bytes = 0;
    for (const { offset, value } of this.#buffer) {
      const over = count >= maxBatchRecords || bytes + value.length > maxBatchBytes;
      if (this.#replayTo === null ? count > 0 && over : offset > this.#replayTo) break;
      count += 1;
      bytes += value.length;
    }
    this.#bytes -= bytes;
    return this.#buffer.splice(0, count);
  }

  /** One batch in hand, one ready, one on its way: that is all that is held. */
  #full(): boolean {
    if (this.#replayTo !== null && this.#next <= this.#replayTo) return false;
    return this.#buffer.length >= this.#options.maxBatchRecords || this.#bytes >= this.#options.maxBatchBytes;
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#tap.pause();
  }

  #resume(): void {
    if (!this.#paused || this.stopped) return;
    this.#paused = false;
    this.#tap.resume();
  }
}
