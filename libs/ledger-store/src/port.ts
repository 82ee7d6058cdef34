/** One row of ledger.events: the exact bytes and the typed columns that views and queries use. */
export interface EventRow {
  readonly source_id: string;
  readonly boot_epoch: number;
  readonly seq: number;
  readonly topic: string;
  /** Where the record stood in the event log: partition (embedded: the source id; Kafka: topic/number) and offset there. */
  readonly log_partition: string;
  readonly log_offset: number;
  /** request | segment | decision | response | control | dead_letter | undecodable */
  readonly event_type: string;
  readonly event_id: string;
  /**
   * Microseconds since the Unix epoch. It also chooses the month partition, so it must be a pure function of the event:
   * 0 for an event that could not be decoded.
   */
  readonly occurred_at: number;
  /** Microseconds since the Unix epoch; the same for all rows of a batch. */
  readonly ingested_at: number;
  readonly clock_offset_us: number;
  readonly build: string;
  readonly session_id: string;
  readonly exchange_id: string;
  readonly connection: string;
  readonly principal_issuer: string;
  readonly principal_subject: string;
  readonly principal_kind: string;
  readonly principal_groups: readonly string[];
  readonly principal_actor: string;
  readonly token_digest: string;
  /** Type-specific fields without bodies, JSON text in the names of the Avro schema; the engine derives the views' columns from it. */
  readonly data: string;
  /** Segments of the body: parallel arrays. Empty content = sealed, or carried by an earlier event of the session. */
  readonly segment_sha256: readonly Buffer[];
  readonly segment_length: readonly number[];
  readonly segment_inline: readonly boolean[];
  readonly segment_content: readonly Buffer[];
  /** Id of the key that seals the segments this event carries; empty when they are not sealed. */
  readonly content_key: string;
  /** The exact framed Avro bytes. */
  readonly raw: Buffer;
  /** SHA-256 of `raw`, 32 bytes; the engine refuses a row where it is not. */
  readonly payload_hash: Buffer;
  /** 32 bytes. */
  readonly prev_hash: Buffer;
  /** 32 bytes; zeros for an event that could not be decoded. */
  readonly schema_sha256: Buffer;
  /** The leaf of this event (libs/tlog leaf format). Empty for a checkpoint event, which is no leaf. */
  readonly leaf: Buffer;
}

/** One row of ledger.content: what the sealed segments of an event say. Derived from the event and its key; deleted when the key is destroyed. */
export interface ContentRow {
  readonly source_id: string;
  readonly seq: number;
  /** Microseconds since the Unix epoch; the event's. */
  readonly occurred_at: number;
  readonly session_id: string;
  readonly exchange_id: string;
  readonly content_key: string;
  /** Parallel arrays: the segments that the event carries itself. */
  readonly segment_sha256: readonly Buffer[];
  readonly segment_content: readonly Buffer[];
}

export interface LeafRow {
  readonly leaf_index: number;
  readonly source_id: string;
  readonly seq: number;
  /** SHA-256(0x00 || leaf), 32 bytes; the engine refuses a row where it is not. */
  readonly leaf_hash: Buffer;
  readonly leaf: Buffer;
  readonly round: number;
}

export interface CheckpointRow {
  readonly round: number;
  readonly tree_size: number;
  readonly root_hash: string;
  readonly note: string;
  /** Microseconds since the Unix epoch. */
  readonly sealed_at: number;
  readonly frontier_sources: readonly string[];
  readonly frontier_seqs: readonly number[];
}

/** A checkpoint that a quorum of witnesses has cosigned. */
export interface AnchorRow {
  readonly tree_size: number;
  /** Lower hex. */
  readonly root_hash: string;
  /** The checkpoint with the cosignatures. */
  readonly note: string;
  /** Microseconds since the Unix epoch, by our own clock. */
  readonly anchored_at: number;
  /** Names of the configuration, parallel to witness_times. */
  readonly witness_names: readonly string[];
  /** Seconds since the Unix epoch, by the witness's clock. */
  readonly witness_times: readonly number[];
}

export interface RangeDigest {
  readonly count: number;
  /** Hex: SHA-256 over the concatenated payload hashes (32 bytes each) in seq order. */
  readonly digest: string;
}

/** Seqs of one source, both ends included. */
export interface SourceRange {
  readonly source_id: string;
  readonly from: number;
  readonly to: number;
}

/** A stretch of one partition of the event log, both offsets included. */
export interface LogRange {
  readonly partition: string;
  readonly from: number;
  readonly to: number;
  /** Offsets inside the stretch that are left out. */
  readonly except: readonly number[];
  /** Where its events lie by source: keeps the read to an index range. Events outside are left out. */
  readonly sources: readonly SourceRange[];
}

/** An event that the ledger holds, without its content. */
export interface HeldEvent {
  readonly source_id: string;
  readonly seq: number;
  /** Lower hex. */
  readonly payload_hash: string;
}

/**
 * Port: the append-only ledger. There is no update and no delete verb.
 * Every append is synchronous, lands in one partition, and is idempotent by token: replaying the identical call changes nothing.
 * @throws AffiantError engine_failed (retry later), ledger_conflict (halt).
 */
export interface LedgerStore {
  migrate(): Promise<void>;
  /** What sealed events say. It goes in before them: a sealed event without it is erased, not merely late. */
  appendContent(token: string, rows: readonly ContentRow[]): Promise<void>;
  appendEvents(token: string, rows: readonly EventRow[]): Promise<void>;
  appendLeaves(token: string, rows: readonly LeafRow[]): Promise<void>;
  appendCheckpoint(row: CheckpointRow): Promise<void>;
  appendAnchor(row: AnchorRow): Promise<void>;
  /** What the ledger holds of one source between two seqs, both included. */
  rangeDigest(sourceId: string, from: number, to: number): Promise<RangeDigest>;
  /** What the ledger holds of a stretch of the event log; the digest is over the payload hashes in the order of the offsets. */
  logDigest(range: LogRange): Promise<RangeDigest>;
  /** The events of these ranges, in no order. */
  heldEvents(ranges: readonly SourceRange[]): Promise<HeldEvent[]>;
  /** Highest seq the ledger holds of each source from the given one on; sources of which it holds none are left out. */
  highestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>>;
  /** The newest checkpoint the ledger holds; null before the first. */
  lastCheckpoint(): Promise<Pick<CheckpointRow, 'round' | 'tree_size' | 'root_hash'> | null>;
  /** The anchor with the largest tree; null before the first. */
  lastAnchor(): Promise<Pick<AnchorRow, 'tree_size' | 'note'> | null>;
  /** Internal read, rows as objects; parameters are bound, never spliced. */
  query<T>(sql: string, params?: Readonly<Record<string, unknown>>): Promise<T[]>;
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

/** How the SQL endpoint and the evidence queries reach the engine as a restricted reader. */
export interface EngineAccess {
  /** Base URL of the engine's HTTP listener. */
  readonly url: string;
  /** Headers that open it (secret header); never shown to a client. */
  readonly headers: Readonly<Record<string, string>>;
  /** Engine user and password of each reading role. */
  readonly readers: Readonly<Record<ReaderRole, { readonly user: string; readonly password: string }>>;
}

export type ReaderRole = 'auditor' | 'examiner' | 'evidence';
