/**
 * What a process knows of itself at one moment. A section a process lacks is left out and yields no series. Null means "not known now":
 * the series disappears, because a made-up 0 would silence an alert.
 */
export interface MetricsReading {
  readonly ledger?: LedgerReading;
  readonly anchor?: AnchorReading;
  readonly stamps?: StampsReading;
  readonly journal?: JournalReading;
  readonly shipper?: ShipperReading;
  readonly clock?: { readonly offsetUs: number | null };
  readonly holds?: HoldsReading;
  readonly gateway?: { readonly inFlight: number | null; readonly draining: boolean };
  readonly consumers?: readonly ConsumerReading[];
  readonly sinks?: readonly SinkReading[];
}

export interface LedgerReading {
  /** Ingest and sequencer of this process run. False: what follows is null or stale, and is not shown. */
  readonly up: boolean;
  /** This process holds the sequencer's lock. */
  readonly leader: boolean;
  /** Stopped for good. */
  readonly halted: boolean;
  /** Durable events that are not queryable yet. */
  readonly ingestLag: number | null;
  /** Durable events that are not queryable and sealed yet. */
  readonly unsealed: number | null;
  readonly sealedSize: number | null;
  readonly sealedRound: number | null;
  /** Microseconds since the Unix epoch. */
  readonly lastSealUs: number | null;
  readonly gaps?: readonly GapReading[];
}

export interface GapReading {
  readonly source: string;
  /** Seqs that are missing before what is there. */
  readonly missing: number;
  /** Microseconds since the Unix epoch at which it was first seen missing. */
  readonly sinceUs: number | null;
}

/** Witnesses of the process that seals. */
export interface AnchorReading {
  /** How many must cosign. */
  readonly quorum: number;
  readonly witnesses: readonly { readonly name: string; readonly lastUs: number | null }[];
  /** Leaves of the newest cosigned checkpoint. */
  readonly size: number;
  /** When the quorum was last met, microseconds since the Unix epoch; null when never. */
  readonly lastUs: number | null;
}

/** Time-stamp authorities of the process that seals. */
export interface StampsReading {
  readonly intervalMs: number;
  readonly renewBeforeMs: number;
  readonly authorities: readonly {
    readonly name: string;
    /** Microseconds since the Unix epoch; null when not known. */
    readonly lastUs: number | null;
    /** Why it did not stamp the last time. */
    readonly failing: string | null;
    /** Leaves of the largest checkpoint it has stamped. */
    readonly size: number;
    /** When the first of its stamps ends, microseconds since the Unix epoch. */
    readonly expiresUs: number | null;
  }[];
}

export interface JournalReading {
  readonly pendingBytes: number;
  readonly highWaterBytes: number;
  readonly durableSeq: number;
}

export interface ShipperReading {
  /** Events durable in the journal that Kafka has not acknowledged. */
  readonly lag: number | null;
  /** Events durable in the journal that the ledger's frontier has not passed. */
  readonly unacknowledged: number | null;
  /** Events sent again since the start. */
  readonly resent: number;
  /** Microseconds since the Unix epoch; null when there was none. */
  readonly lastErrorUs: number | null;
}

export interface HoldsReading {
  readonly pending: number | null;
  /** When the one that waits longest was asked for, microseconds since the Unix epoch; null when none waits. */
  readonly oldestUs: number | null;
}

export interface ConsumerReading {
  readonly group: string;
  readonly topic: string;
  /** Records between the committed offset and the end, summed over the partitions. */
  readonly lag: number | null;
}

export interface SinkReading {
  readonly sink: string;
  readonly lag: number | null;
  /** Microseconds since the Unix epoch; null when there was none. */
  readonly lastErrorUs: number | null;
}
