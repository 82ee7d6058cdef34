import type { Topic } from '#events';

/** One event as a consumer gets it. `value` is the exact bytes that were produced. */
export interface LogRecord {
  readonly topic: Topic;
  /** Embedded: the source id. Kafka: topic/partition. */
  readonly partition: string;
  /** Dense and growing within the partition as seen by a group that reads all topics. Embedded: the seq. */
  readonly offset: number;
  readonly value: Buffer;
}

/** Records of one partition, in order; none between them is left out, though offsets may have holes. */
export interface LogBatch {
  readonly partition: string;
  readonly records: readonly LogRecord[];
  readonly firstOffset: number;
  readonly lastOffset: number;
  /**
   * Only on the first batch of a partition each time a subscription begins to read it (start, and every time a group hands it the partition,
   * also when it had it before): the committed position that reading begins at, null when there is none.
   */
  readonly assigned?: { readonly committed: Committed | null };
}

export interface Committed {
  /** Next offset the group will read. */
  readonly offset: number;
  /** What the group stored with it, e.g. the intent of an open batch. */
  readonly metadata: string | null;
}

export interface SubscribeOptions {
  readonly group: string;
  /** Records of other topics are passed over (and committed past). */
  readonly topics: readonly Topic[];
  /** Embedded only: read no other partitions than these. A journal is one partition of all topics: passing over a record costs as much as taking it. */
  readonly partitions?: readonly string[];
  readonly maxBatchRecords: number;
  readonly maxBatchBytes: number;
  /**
   * When a committed offset carries metadata, the first batch after a start is cut to end at this offset, whatever the maximums say, so that a
   * replay is identical.
   */
  readonly replayTo?: (committed: Committed) => number | null;
  /**
   * When what the group should read next is no longer retained: fail the subscription (default, nothing may be missed), or go on at the oldest
   * record, for a group to which later records tell everything the earlier ones did.
   */
  readonly whenTrimmed?: 'fail' | 'skip';
  /**
   * Kafka only, where a topic can be made anew under its name: called with the last record before the commit, when a partition is assigned and
   * before its first batch, so that the ledger can compare it with what it holds. An error fails the subscription.
   */
  readonly verifyLast?: (partition: string, offset: number, value: Buffer) => Promise<void>;
  /** After the first record of a batch, wait this long for more before it is handed over; 0 unless given. */
  readonly lingerMs?: number;
  /** A handler that fails with a retryable AffiantError gets the same batch again; see DEFAULT_RETRY. */
  readonly retry?: RetryOptions;
}

export interface RetryOptions {
  /** Calls of the handler in all, the first included. */
  readonly attempts: number;
  /** Pause before the second call; doubled each time up to `maxMs`. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface PartitionState {
  readonly partition: string;
  /** Oldest offset that can still be read; nextOffset when there is none. */
  readonly firstOffset: number;
  /** Offset the next durable record will have. */
  readonly nextOffset: number;
}

export type BatchHandler = (batch: LogBatch) => Promise<void>;

export interface Subscription {
  /** Stops after the batch in hand. */
  stop(): Promise<void>;
  /** Rejects when the subscription ends by a failure; the owner must then fail loudly. */
  readonly failed: Promise<never>;
}

/**
 * Port: the event log as consumers see it. At-least-once, order kept per partition, commit only after the effect.
 */
export interface EventLog {
  /**
   * Starts one serial reader per partition; new partitions (sources) are picked up while running. Nothing is committed for the handler, save
   * that records of other topics are committed past when everything before them is committed and no metadata is open.
   * The subscription fails when a handler fails for good, a committed offset is no longer retained, or the log is damaged.
   */
  subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription>;
  /**
   * Durable when it resolves. Metadata has at most 4,000 bytes.
   * @throws AffiantError conflict when the partition is another member's by now: what was begun must be given up.
   */
  commit(group: string, partition: string, offset: number, metadata?: string | null): Promise<void>;
  committed(group: string): Promise<ReadonlyMap<string, Committed>>;
  /** Records between the durable end and the committed offset, per partition; a group without commit begins at the oldest record. */
  lag(group: string): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** Port: the event log as somebody sees it who only looks (tailing by the API, health). */
export interface EventLogTail {
  /** What can be read now. */
  partitions(): Promise<readonly PartitionState[]>;
  /**
   * Up to `limit` durable records of all topics from an offset on, without a group (tailing by the API); none when there is nothing yet.
   * @throws AffiantError not_found when the offset is no longer retained.
   */
  read(partition: string, fromOffset: number, limit: number): Promise<readonly LogRecord[]>;
  /**
   * Lowest offset that one of the groups has not committed, per partition: every one of them is done with what is below. A journal may be
   * trimmed below it, and below the frontier that a checkpoint acknowledges, whichever is lower.
   */
  consumed(groups: readonly string[]): Promise<ReadonlyMap<string, number>>;
}
