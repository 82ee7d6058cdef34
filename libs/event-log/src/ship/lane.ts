import { toAffiantError, type AffiantError } from '#errors';
import { madeAtMs, type Topic } from '#events';
import type { StoredRecord } from '#journal';
import type { LogSender } from './port.js';

export interface LaneOptions {
  readonly topic: Topic;
  readonly partition: number;
  readonly key: string;
  readonly sender: LogSender;
  /** Bounds of one send; a single larger record goes alone. */
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Nothing new is sent once this fires. */
  readonly signal: AbortSignal;
  readonly onSent: (bytes: number) => void;
  readonly onError: (error: AffiantError) => void;
}

/**
 * One topic-partition: one send under way, the next begins when it is acknowledged. A rejected batch stays in front and is sent again, for ever, so that
 * the order in the log is that of the journal.
 */
export class Lane {
  readonly #queue: StoredRecord[] = [];
  #running: Promise<void> | null = null;

  constructor(private readonly options: LaneOptions) {}

  /** Seq of the oldest record that is not acknowledged, null when there is none. */
  get firstSeq(): number | null {
    return this.#queue[0]?.seq ?? null;
  }

  push(record: StoredRecord): void {
    this.#queue.push(record);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when the send under way has ended; call it after the signal fired. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { topic, partition, key, sender, signal, firstPauseMs, maxPauseMs } = this.options;
    // Everything this turn of the event loop pushes goes into one batch.
    await Promise.resolve();
    for (let wait = firstPauseMs; this.#queue.length > 0 && !signal.aborted;) {
      const { records, bytes } = this.#nextBatch();
      const messages = records.map(({ payload }) => ({ key, value: payload, timestamp: madeAtMs(payload) }));
      try {
        await sender.send(topic, partition, messages);
      } catch (cause) {
        this.options.onError(toAffiantError(cause, 'event_log_failed', `${topic} could not be sent`));
        await this.options.pause(wait, signal);
        wait = Math.min(wait * 2, maxPauseMs);
        continue;
      }
      // A crash here leaves records in the log that the next start sends again: the ledger drops what it holds.
      wait = firstPauseMs;
      this.#queue.splice(0, records.length);
      this.options.onSent(bytes);
    }
  }

  #nextBatch(): { records: StoredRecord[]; bytes: number } {
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const record of this.#queue) {
      if (records.length >= this.options.maxRecords) break;
      if (records.length > 0 && bytes + record.payload.length > this.options.maxBytes) break;
      records.push(record);
      bytes += record.payload.length;
    }
    return { records, bytes };
  }
}
