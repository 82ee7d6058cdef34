import { setImmediate } from 'node:timers/promises';
import type { Topic } from '#events';
import { withRetries } from '#event-log';
import type { BatchHandler, Committed, EventLog, EventLogTail, LogBatch, LogRecord, SubscribeOptions, Subscription } from '#event-log';

/** Event log in memory with the embedded log's rules: partition = source, offsets dense from 1. Survives the service that reads it. */
export class MemoryEventLog implements EventLog {
  readonly partitions = new Map<string, LogRecord[]>();
  /** Called with each record that is appended. */
  onAppend: (record: LogRecord) => void = () => undefined;
  readonly #groups = new Map<string, Map<string, Committed>>();
  readonly #readers = new Set<() => void>();

  /** As a journal shows itself to somebody who only looks. */
  async read(partition: string, from: number, limit: number): Promise<LogRecord[]> {
    return this.partitions.get(partition)!.slice(from - 1, from - 1 + limit);
  }

  /** `read` and `partitions` of the port. */
  tail(): Pick<EventLogTail, 'partitions' | 'read'> {
    const partitions = async () =>
      [...this.partitions].map(([partition, records]) => ({ partition, firstOffset: 1, nextOffset: records.length + 1 }));
    return { partitions, read: (partition, from, limit) => this.read(partition, from, limit) };
  }

  append(partition: string, topic: Topic, value: Buffer): number {
    const records = this.partitions.get(partition) ?? [];
    this.partitions.set(partition, records);
    records.push({ topic, partition, offset: records.length + 1, value });
    for (const wake of this.#readers) wake();
    this.onAppend(records.at(-1)!);
    return records.length;
  }

  async subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription> {
    const stopping = new AbortController();
    const serving = new Map<string, Promise<void>>();
    let fail: (error: unknown) => void;
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    failed.catch(() => undefined);
    const wake = (): void => {
      for (const partition of this.partitions.keys()) {
        if (serving.has(partition) || stopping.signal.aborted) continue;
        serving.set(
          partition,
          this.#serve(partition, options, onBatch, stopping.signal).catch((error: unknown) => fail(error)),
        );
      }
    };
    this.#readers.add(wake);
    wake();
    return {
      failed,
      stop: async () => {
        stopping.abort();
        this.#readers.delete(wake);
        for (const one of this.#readers) one();
        await Promise.all(serving.values());
      },
    };
  }

  async commit(group: string, partition: string, offset: number, metadata: string | null = null): Promise<void> {
    const positions = this.#groups.get(group) ?? new Map<string, Committed>();
    this.#groups.set(group, positions);
    positions.set(partition, { offset, metadata });
  }

  /** As if the file of the group's offsets had been deleted. */
  forget(group: string): void {
    this.#groups.delete(group);
  }

  async committed(group: string): Promise<ReadonlyMap<string, Committed>> {
    return new Map(this.#groups.get(group));
  }

  async lag(group: string): Promise<ReadonlyMap<string, number>> {
    const positions = this.#groups.get(group);
    return new Map([...this.partitions].map(([name, records]) => [name, records.length + 1 - (positions?.get(name)?.offset ?? 1)]));
  }

  async close(): Promise<void> {}

  async #serve(partition: string, options: SubscribeOptions, onBatch: BatchHandler, signal: AbortSignal): Promise<void> {
    const start = this.#groups.get(options.group)?.get(partition);
    let next = start?.offset ?? 1;
    let assigned: LogBatch['assigned'] = { committed: start ?? null };
    let cut = start === undefined || start.metadata === null ? null : (options.replayTo?.(start) ?? null);
    for (;;) {
      const records = this.partitions.get(partition)!;
      if (signal.aborted) return;
      if (next > records.length) {
        await this.#more(signal, () => next <= records.length);
        continue;
      }
      const last = Math.min(records.length, next - 1 + options.maxBatchRecords, cut ?? Infinity);
      cut = null;
      const first = assigned === undefined ? {} : { assigned };
      assigned = undefined;
      const batch: LogBatch = { partition, records: records.slice(next - 1, last), firstOffset: next, lastOffset: last, ...first };
      next = last + 1;
      // A real log takes its time: whoever does not wait for what it reads must be caught by it.
      for (let turns = 0; turns < 2; turns += 1) await setImmediate();
      if (options.retry === undefined) await onBatch(batch);
      else await withRetries(() => onBatch(batch), options.retry, signal);
    }
  }

  async #more(signal: AbortSignal, ready: () => boolean): Promise<void> {
    while (!signal.aborted && !ready()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#readers.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#readers.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }
}
