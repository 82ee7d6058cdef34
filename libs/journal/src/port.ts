/**
 * Port: an append-only, durable, single-writer sequence of opaque records (one per source).
 * Records are numbered densely from 1; the number is the event's `seq`.
 */
export interface Journal {
  readonly sourceId: string;
  /** Seq the next record will get. */
  readonly nextSeq: number;
  /** Highest seq on stable storage; readers never go past it. */
  readonly durableSeq: number;
  /** SHA-256 of the framed bytes of record nextSeq-1; zeros when there is none. */
  readonly lastHash: Buffer;
  /** Bytes not yet acknowledged by the ledger. */
  readonly pendingBytes: number;
  /**
   * Queues records in order and resolves when all are on stable storage (group commit: one fdatasync serves every caller that waits).
   * The seqs are `nextSeq…` at the time of the call, assigned synchronously.
   * @throws AffiantError journal_full before queueing; journal_failed when the write fails, after which every append is refused.
   */
  append(records: readonly NewRecord[]): Promise<void>;
  /** Allows segments that hold only records up to `seq` to be deleted; never past `keepFrom`. */
  acknowledge(seq: number, keepFrom: number): Promise<void>;
  /** Flushes, fsyncs, releases the single-writer lock. */
  close(): Promise<void>;
}

export interface JournalRecord {
  /** Small integer that tells the topic (index in ALL_TOPICS). */
  readonly topic: number;
  /** Framed Avro bytes, kept exactly. */
  readonly payload: Buffer;
  /** SHA-256 of `payload` when the caller has it already; spares the journal the work for `lastHash`. */
  readonly hash?: Buffer;
}

/** A record whose bytes are in several places; nobody may change them before the append resolves. */
export interface PartedRecord {
  readonly topic: number;
  /** Together the framed Avro bytes. */
  readonly parts: readonly Buffer[];
  /** SHA-256 of all parts. */
  readonly hash: Buffer;
}

export type NewRecord = JournalRecord | PartedRecord;

export interface StoredRecord extends JournalRecord {
  readonly seq: number;
}
