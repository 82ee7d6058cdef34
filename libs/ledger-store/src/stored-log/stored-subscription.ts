import { AffiantError, isAffiantError } from '#errors';
import { ALL_TOPICS, type Topic } from '#events';
import type { BatchHandler, Committed, LogBatch, LogRecord, SubscribeOptions, Subscription } from '#event-log';
import type { Logger } from '#observability';
import { isPlace, type StoredEvent, type StoredEvents } from './port.js';

const TOPICS: ReadonlySet<string> = new Set(ALL_TOPICS);
/** Bytes of all batches that handlers may hold at once, and the least each gets however many sources there are. */
const ALL_BYTES = 64 * 1024 * 1024;
const LEAST_BYTES = 256 * 1024;
const LONGEST_WAIT_MS = 5_000;

export interface StoredSubscriptionParts {
  readonly events: StoredEvents;
  /** source -> contiguous end, moved by `refresh`. */
  readonly ends: ReadonlyMap<string, number>;
  /** True when it should be called again at once. */
  readonly refresh: () => Promise<boolean>;
  readonly positions: ReadonlyMap<string, Committed>;
  readonly logger: Logger;
  readonly pollMs: number;
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly options: SubscribeOptions;
  readonly onBatch: BatchHandler;
}

/** Hands out each source serially, sources beside each other, as the store holds more of them. An engine that is away is waited for. */
export class StoredSubscription implements Subscription {
  readonly failed: Promise<never>;
  readonly #next = new Map<string, number>();
  readonly #serving = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #reject: (error: unknown) => void = () => undefined;
  #polling: Promise<void> = Promise.resolve();

  constructor(private readonly parts: StoredSubscriptionParts) {
    this.failed = new Promise<never>((_, reject) => (this.#reject = reject));
    this.failed.catch(() => undefined);
  }

  start(): void {
    this.#polling = this.#poll();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#polling;
    await Promise.all(this.#serving.values());
  }

  async #poll(): Promise<void> {
    const { refresh, ends, pause, pollMs, logger } = this.parts;
    const { signal } = this.#stop;
    let wait = pollMs;
    while (!signal.aborted) {
      try {
        const more = await refresh();
        wait = more ? 0 : pollMs;
      } catch (error) {
        if (isAffiantError(error) && error.code === 'ledger_conflict') return this.#fail(error);
        logger.warn({ reason: String(error) }, 'the stored events cannot be read; trying again');
        wait = Math.min(Math.max(wait, pollMs) * 2, LONGEST_WAIT_MS);
      }
      for (const [source, end] of ends) {
        if (this.#serving.has(source) || this.#at(source) >= end) continue;
        const serving = this.#serve(source).finally(() => this.#serving.delete(source));
        this.#serving.set(source, serving);
      }
      await pause(wait, signal);
    }
  }

  #at(source: string): number {
    return this.#next.get(source) ?? this.parts.positions.get(source)?.offset ?? (isPlace(source) ? 0 : 1);
  }

  /** Everything there is of one source, batch by batch. */
  async #serve(source: string): Promise<void> {
    const { events, ends, options, onBatch, logger, positions, pause, pollMs } = this.parts;
    const { signal } = this.#stop;
    while (!signal.aborted && this.#at(source) < (ends.get(source) ?? 0)) {
      const from = this.#at(source);
      const to = isPlace(source) ? ends.get(source)! - 1 : Math.min(ends.get(source)! - 1, from + options.maxBatchRecords - 1);
      const bytes = Math.min(options.maxBatchBytes, Math.max(LEAST_BYTES, Math.floor(ALL_BYTES / this.#serving.size || ALL_BYTES)));
      try {
        const records = recordsOf(source, from, await events.readEvents(source, from, to, bytes));
        if (signal.aborted) return;
        const first = this.#next.has(source) ? {} : { assigned: { committed: positions.get(source) ?? null } };
        const batch: LogBatch = {
          partition: source,
          records,
          firstOffset: records[0]!.offset,
          lastOffset: records.at(-1)!.offset,
          ...first,
        };
        await onBatch(batch);
        this.#next.set(source, batch.lastOffset + 1);
      } catch (error) {
        if (!isAffiantError(error) || error.code !== 'engine_failed') return this.#fail(error);
        logger.warn({ source, reason: String(error) }, 'a source cannot be read; trying again');
        await pause(pollMs, signal);
      }
    }
  }

  #fail(error: unknown): void {
    this.#stop.abort();
    this.#reject(error);
  }
}

/** @throws AffiantError ledger_conflict when the store holds an event twice, or has lost one that it held a moment ago. */
function recordsOf(partition: string, from: number, events: readonly StoredEvent[]): LogRecord[] {
  let expected = from;
  const records = events.map(({ seq, topic, value }) => {
    const fits = isPlace(partition) ? seq >= expected : seq === expected;
    if (!fits) {
      const what = seq < expected ? 'twice' : 'no longer';
      throw new AffiantError('ledger_conflict', `the ledger holds an event ${what}`, {
        where: `source ${partition} seq ${Math.min(seq, expected)}`,
      });
    }
    expected = seq + 1;
    return { topic: topicOf(topic), partition, offset: seq, value };
  });
  if (records.length === 0)
    throw new AffiantError('ledger_conflict', 'the ledger holds an event no longer', { where: `source ${partition} seq ${from}` });
  return records;
}

function topicOf(name: string): Topic {
  if (TOPICS.has(name)) return name as Topic;
  throw new AffiantError('ledger_conflict', `the ledger holds an event of an unknown topic ${name.slice(0, 80)}`);
}
