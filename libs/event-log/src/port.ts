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

/** Consecutive records of one partition, in order. */
export interface LogBatch {
  readonly partition: string;
  readonly records: readonly LogRecord[];
  readonly firstOffset: number;
  readonly lastOffset: number;
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
  readonly maxBatchRecords: number;
  readonly maxBatchBytes: number;
  /** When a committed offset carries metadata, the first batch after a start is cut to end at this offset, so that a replay is identical. */
  readonly replayTo?: (committed: Committed) => number | null;
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
  /** Starts one serial reader per partition; new partitions (sources) are picked up while running. */
  subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription>;
  /** Durable when it resolves. */
  commit(group: string, partition: string, offset: number, metadata?: string | null): Promise<void>;
  committed(group: string): Promise<ReadonlyMap<string, Committed>>;
  /** Records between the durable end and the committed offset, per partition. */
  lag(group: string): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}
