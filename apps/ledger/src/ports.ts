import type { EventLog } from '#event-log';
import type { Clock, EventCodec, EventRecorder } from '#events';
import type { LedgerStore } from '#ledger-store';
import type { Logger } from '#observability';
import type { Signer } from '#signing';
import type { CheckpointStore, TileStore } from '#tlog';

/** What a process does: copy the event log into the store, write the tree, or both. */
export type LedgerRole = 'ingest' | 'sequencer';

/** Everything the ledger works with, already built; only the composition root knows the adapters. */
export interface LedgerPorts {
  /** What the ingest reads. */
  readonly eventLog: EventLog;
  /** What the sequencer reads; default: the same. Another where the log has many sources in a partition (StoredEventLog). */
  readonly sequencerLog?: EventLog;
  /** Default: both. */
  readonly roles?: readonly LedgerRole[];
  readonly store: LedgerStore;
  readonly tiles: TileStore;
  readonly checkpoints: CheckpointStore;
  /** Its name is the origin of the log and never changes. */
  readonly signer: Signer;
  /** The ledger's own source: checkpoints, dead letters, alarms. Its source id must be a partition of the event log. */
  readonly recorder: EventRecorder;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: LedgerOptions;
}

export interface LedgerOptions {
  /** Milliseconds between rounds; there is no round without new leaves. */
  readonly checkpointInterval: number;
  /** Largest batch of one INSERT. Default 5,000 records, 8 MiB. */
  readonly maxBatchRecords?: number;
  readonly maxBatchBytes?: number;
  /** After a small batch, milliseconds in which further events gather before the next INSERT. Default 200. */
  readonly gather?: number;
  /** Most leaves sealed in one round. Default 32,768. */
  readonly maxRoundLeaves?: number;
  /** Waits, or returns early when the signal fires; tests pass one that does not wait. */
  readonly pause?: Pause;
}

export type Pause = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** What the consumers of the event log are called there; their committed offsets are kept under these names. */
export const GROUPS = { ingest: 'ledger.ingest', sequencer: 'ledger.sequencer' } as const;

export const DEFAULTS = { maxBatchRecords: 5_000, maxBatchBytes: 8 * 1024 * 1024, gather: 200, maxRoundLeaves: 32_768 } as const;

/** How the ledger is doing. */
export interface LedgerHealth {
  /** Durable events that are not queryable yet, over all sources. */
  readonly ingestLag: number;
  /** Durable events that are not yet queryable and sealed; at least 1 while anything is left to seal, 0 when all is. */
  readonly unsealed: number;
  readonly sealedSize: number;
  readonly sealedRound: number;
  /** Microseconds since the Unix epoch; null before the first checkpoint. */
  readonly lastSealAt: number | null;
  /** Why sealing or ingest stopped for good; null while they run. */
  readonly halted: string | null;
}
