import { AffiantError } from '#errors';
import type { JournalReader } from '#journal';
import { EmbeddedSubscription } from './embedded-subscription.js';
import { GroupOffsets, readOffsets } from './group-offsets.js';
import { JournalPartitions, type JournalPartitionsOptions } from './journal-partitions.js';
import { toLogRecord } from './partition-reader.js';
import type { BatchHandler, Committed, EventLog, EventLogTail, LogRecord, PartitionState, SubscribeOptions, Subscription } from './port.js';

const READ_BYTES = 4 * 1024 * 1024;

export interface EmbeddedEventLogOptions extends JournalPartitionsOptions {
  /** Holds one file of committed offsets per group. */
  readonly groupsDirectory: string;
}

/**
 * The event log without a broker: the journals themselves. Partition = source id, offset = seq, topics interleaved.
 * Any number of instances may read, in any thread; one instance at a time subscribes or commits for a group.
 */
export class EmbeddedEventLog implements EventLog, EventLogTail {
  readonly #options: EmbeddedEventLogOptions;
  readonly #partitions: JournalPartitions;
  readonly #groups = new Map<string, Promise<GroupOffsets>>();
  readonly #readers = new Map<string, SharedReader>();
  readonly #subscriptions = new Set<EmbeddedSubscription>();
  #closed = false;

  constructor(options: EmbeddedEventLogOptions) {
    this.#options = options;
    this.#partitions = new JournalPartitions(options);
  }

  async subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription> {
    this.#checkOpen();
    const offsets = await this.#own(options.group);
    const subscription = new EmbeddedSubscription(this.#partitions, offsets, options, onBatch);
    this.#subscriptions.add(subscription);
    await subscription.start();
    return subscription;
  }

  async commit(group: string, partition: string, offset: number, metadata: string | null = null): Promise<void> {
    this.#checkOpen();
    await (await this.#own(group)).commit(partition, offset, metadata);
  }

  async committed(group: string): Promise<ReadonlyMap<string, Committed>> {
    const own = this.#groups.get(group);
    return own === undefined ? readOffsets(this.#options.groupsDirectory, group) : (await own).committed;
  }

  async lag(group: string): Promise<ReadonlyMap<string, number>> {
    const [committed, partitions] = await Promise.all([this.committed(group), this.partitions()]);
    return new Map(
      partitions.map(({ partition, firstOffset, nextOffset }) => {
        const from = committed.get(partition)?.offset ?? firstOffset;
        return [partition, Math.max(0, nextOffset - from)];
      }),
    );
  }

  async partitions(): Promise<readonly PartitionState[]> {
    const names = await this.#partitions.list();
    return Promise.all(
      names.map((partition) =>
        this.#shared(partition).use(async (reader) => {
          const nextOffset = (await reader.durableSeq()) + 1;
          return { partition, firstOffset: Math.min(await reader.firstSeq(), nextOffset), nextOffset };
        }),
      ),
    );
  }

  async read(partition: string, fromOffset: number, limit: number): Promise<readonly LogRecord[]> {
    this.#checkOpen();
    if (!(await this.#partitions.list()).includes(partition)) throw new AffiantError('not_found', `there is no partition ${partition}`);
    return this.#shared(partition).use(async (reader) => {
      const records = await reader.read(fromOffset, { maxRecords: limit, maxBytes: READ_BYTES });
      return records.map((record) => toLogRecord(partition, record));
    });
  }

  async consumed(groups: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const [partitions, ...committed] = await Promise.all([this.partitions(), ...groups.map((group) => this.committed(group))]);
    return new Map(
      partitions.map(({ partition, firstOffset }) => [
        partition,
        Math.min(...committed.map((of) => of.get(partition)?.offset ?? firstOffset)),
      ]),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    await Promise.all([...this.#readers.values()].map((shared) => shared.use((reader) => reader.close())));
  }

  #own(group: string): Promise<GroupOffsets> {
    let offsets = this.#groups.get(group);
    if (offsets === undefined) {
      offsets = GroupOffsets.open(this.#options.groupsDirectory, group);
      offsets.catch(() => this.#groups.delete(group));
      this.#groups.set(group, offsets);
    }
    return offsets;
  }

  #shared(partition: string): SharedReader {
    let shared = this.#readers.get(partition);
    if (shared === undefined) {
      shared = new SharedReader(this.#partitions.reader(partition));
      this.#readers.set(partition, shared);
    }
    return shared;
  }

  #checkOpen(): void {
    if (this.#closed) throw new AffiantError('event_log_failed', 'the event log is closed');
  }
}

/** A reader takes one call at a time; this lines up who wants it. */
class SharedReader {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly reader: JournalReader) {}

  use<T>(work: (reader: JournalReader) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => work(this.reader));
    this.#last = result.catch(() => undefined);
    return result;
  }
}
