import type { Topic } from '#events';

export interface LogMessage {
  /** Source id. */
  readonly key: string;
  /** The exact framed bytes. */
  readonly value: Buffer;
  /** When the event was made, milliseconds: the same each time it is sent. */
  readonly timestamp: number;
}

/**
 * Port: takes messages to one topic-partition of the event log, in order.
 * Resolves when all in-sync replicas have acknowledged exactly these messages. Rejects on any doubt; they may be in the log all the same, so what
 * was rejected is sent again and may be doubled. At most one send per topic-partition is under way; different ones run side by side.
 */
export interface LogSender {
  send(topic: Topic, partition: number, messages: readonly LogMessage[]): Promise<unknown>;
}

/** How far the shipper is. */
export interface ShipperReport {
  /** Every event up to it has been acknowledged by the event log. */
  readonly shippedSeq: number;
  /** Events that are durable here and not acknowledged by the event log. */
  readonly lag: number;
  /** Highest seq the ledger has acknowledged, as far as it is known here. */
  readonly frontier: number;
  /** Events that are durable here and not acknowledged by the ledger. */
  readonly unacknowledged: number;
  /** Events sent again since the start because the ledger did not acknowledge them in time. */
  readonly resent: number;
  readonly lastError: { readonly code: string; readonly message: string; readonly atUs: number } | null;
}
