import type { EventLog, RetryOptions } from '#event-log';
import type { EventCodec, EventRecorder } from '#events';
import type { OcsfRecord } from '#ocsf';
import type { Logger } from '#observability';

/**
 * Port: somebody who takes OCSF records.
 *
 * Durability: `deliver` resolves when the sink has acknowledged all records as far as its protocol can say so; each adapter states how far that is.
 * Order: the records of one call are taken in order, and calls for one source come one after the other. Calls for different sources may overlap.
 * Idempotency: after any doubt the same records are given again; a reader recognises a double by `metadata.uid`, the same bytes each time.
 */
export interface RecordSink {
  /** Names the group (`siem.<name>`) whose committed offsets say how far the sink is. */
  readonly name: string;
  /** @throws AffiantError siem_failed: some, all or none of them were taken; give all of them again. */
  deliver(records: readonly OcsfRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface FeedPorts {
  readonly eventLog: EventLog;
  readonly codec: EventCodec;
  /** Name of the log the ledger keeps. */
  readonly origin: string;
  readonly sinks: readonly RecordSink[];
  /** Gaps that the feed must leave are recorded here. */
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  readonly options?: FeedOptions;
}

export interface FeedOptions {
  readonly maxBatchRecords?: number;
  readonly maxBatchBytes?: number;
  /** How a sink that fails is tried again; for ever, with growing pauses, unless given. */
  readonly retry?: RetryOptions;
}

/** How one sink is doing. */
export interface SinkHealth {
  readonly sink: string;
  /** Durable events that the sink has not acknowledged, over all sources. */
  readonly lag: number;
  /** Records acknowledged since the start. */
  readonly delivered: number;
  /** Why the sink takes nothing at the moment; null while it does. */
  readonly failing: string | null;
}

export const siemGroup = (sink: string): string => `siem.${sink}`;
