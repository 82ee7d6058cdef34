import type { EventLog, EventLogTail } from '#event-log';
import type { ContentKeys } from '#content-keys';
import type { Clock, EventCodec, EventRecorder } from '#events';
import type { LedgerStore } from '#ledger-store';
import type { Logger } from '#observability';
import type { LogKeys, Signer } from '#signing';
import type { CheckpointStore, TileStore } from '#tlog';
import type { OwnWords } from './testify/own-words.js';
import type { Trail } from './testify/trail.js';

/** A time in which this process, and no other that asks the same authority, sequences. */
export interface Term {
  /** Fires when the lead is lost. What is under way then is fenced by the compare-and-swap of the sealed state. */
  readonly lost: AbortSignal;
  /** Lets another candidate lead. May be called after `lost`. */
  release(): Promise<void>;
}

/** Port: election of the one sequencer. It saves useless work only; nothing depends on its being right. */
export interface Leadership {
  /** Resolves when this process leads; waits as long as it takes. @throws the signal's reason when it fires */
  acquire(signal: AbortSignal): Promise<Term>;
}

/** A seq that later ones of its source wait for: nothing of the source is sealed past it. */
export interface LedgerGap {
  readonly source: string;
  /** First seq that is missing, and how many are. */
  readonly seq: number;
  readonly missing: number;
  /** Microseconds since the Unix epoch. */
  readonly sinceUs: number;
}

/** What a process does: copy the event log into the store, write the tree, or both. */
export type LedgerRole = 'ingest' | 'sequencer';

/** Everything the ledger works with, already built; only the composition root knows the adapters. */
export interface LedgerPorts {
  /** What the ingest reads. */
  readonly eventLog: EventLog;
  /** What the sequencer reads; default: the same. Another where the log has many sources in a partition (StoredEventLog). */
  readonly sequencerLog?: EventLog & { readonly gaps?: () => readonly LedgerGap[] };
  /**
   * The journal of our own source, where the sequencer's own log does not have it at once (StoredEventLog): what it tells of lets a start know
   * what was told already. Default: the sequencer's log has it.
   */
  readonly ownLog?: Pick<EventLogTail, 'partitions' | 'read'>;
  /** Who of several candidates sequences. Default: this process, always. */
  readonly leadership?: Leadership;
  /** Default: both. */
  readonly roles?: readonly LedgerRole[];
  readonly store: LedgerStore;
  /** Opens what events carry sealed. Without it the ingest waits at the first such event. */
  readonly contentKeys?: ContentKeys;
  readonly tiles: TileStore;
  readonly checkpoints: CheckpointStore;
  /** Its name is the origin of the log and never changes. */
  readonly signer: Signer;
  /** While keys are rotated: all that sign, and all that may have signed what was sealed. Default: the signer alone. */
  readonly keys?: Pick<LogKeys, 'signers' | 'vkeys'>;
  /** The ledger's own source: checkpoints, dead letters, alarms. Its source id must be a partition of the event log. */
  readonly recorder: EventRecorder;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the ledger has testified of itself before. Without it nothing is testified: no schemas, frontiers, gaps, epochs and aborted exchanges. */
  readonly words?: OwnWords;
  /** What it testifies of its sources from. Comes with `words`. */
  readonly trail?: Trail;
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
  /** The longest that may become, while events come without a break: each INSERT costs the engine the same, however few it brings. Default `gather`. */
  readonly gatherMost?: number;
  /** Most leaves sealed in one round. Default 32,768. */
  readonly maxRoundLeaves?: number;
  /** Milliseconds between two `ledger.frontier` events while anything is new, and between two looks at epochs and exchanges. Default a minute. */
  readonly frontierInterval?: number;
  /** Milliseconds a range of a source may be missing before `ledger.gap` is recorded. Default 15 minutes. */
  readonly gapAfter?: number;
  /** Milliseconds a request may be sealed without a response before `exchange.aborted` is recorded. Default a day. */
  readonly abortAfter?: number;
  /** Waits, or returns early when the signal fires; tests pass one that does not wait. */
  readonly pause?: Pause;
}

export type Pause = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** What the consumers of the event log are called there; their committed offsets are kept under these names. */
export const GROUPS = { ingest: 'ledger.ingest', sequencer: 'ledger.sequencer' } as const;

export const DEFAULTS = {
  maxBatchRecords: 5_000,
  maxBatchBytes: 8 * 1024 * 1024,
  gather: 200,
  maxRoundLeaves: 32_768,
  frontierInterval: 60_000,
  gapAfter: 900_000,
  abortAfter: 86_400_000,
} as const;

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
  /** True while this process sequences. */
  readonly leader: boolean;
  /** What has been missing for more than a minute; always empty where a missing seq halts (the embedded log). */
  readonly gaps: readonly LedgerGap[];
  /** Why sealing or ingest stopped for good; null while they run. */
  readonly halted: string | null;
}
