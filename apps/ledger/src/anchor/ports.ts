import type { Clock, EventRecorder } from '#events';
import type { LedgerStore } from '#ledger-store';
import type { Logger } from '#observability';
import type { CosignedStore, SealedState, TileStore } from '#tlog';
import type { Pause } from '../ports.js';

/** What a witness is asked for. */
export interface CosignRequest {
  /** The checkpoint as the log has signed it. */
  readonly note: string;
  readonly size: number;
  /** Consistency proof from a tree of that size to the checkpoint. */
  readonly proofFrom: (size: number) => Promise<readonly Buffer[]>;
  /** Fires when the answer is no longer wanted. */
  readonly signal: AbortSignal;
}

/** Port: a witness. Remembers the size it cosigned last only to save a question; the witness itself knows. */
export interface WitnessPort {
  /** As the configuration names it. */
  readonly name: string;
  /**
   * A verified signature line over the checkpoint, with its newline. Bounds its own time. Asking again for the same checkpoint is harmless.
   * @throws AffiantError witness_failed
   */
  cosign(request: CosignRequest): Promise<string>;
  /** When it cosigned that note, seconds since the Unix epoch by its clock; null when it did not. @throws AffiantError note_invalid */
  timestampIn(note: string): number | null;
}

export interface AnchorPorts {
  /** The newest sealed state while this process leads; null while it does not, or nothing may be signed any more. */
  readonly sealed: () => SealedState | null;
  readonly tiles: Pick<TileStore, 'get'>;
  readonly cosigned: CosignedStore;
  readonly store: Pick<LedgerStore, 'appendAnchor' | 'lastAnchor'>;
  readonly recorder: EventRecorder;
  /** None: the loop only tells that there are none. */
  readonly witnesses: readonly WitnessPort[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: {
    readonly origin: string;
    /** How many of the witnesses. */
    readonly quorum: number;
    /** Milliseconds between two times. */
    readonly interval: number;
    readonly pause?: Pause;
  };
}

/** How a witness did last. */
export interface WitnessHealth {
  readonly name: string;
  /** Microseconds since the Unix epoch, by our clock; null when it has not cosigned since the start. */
  readonly lastUs: number | null;
  /** Why it did not cosign the last time; null when it did, or was not asked yet. */
  readonly failing: string | null;
}

export interface AnchorHealth {
  readonly quorum: number;
  readonly witnesses: readonly WitnessHealth[];
  /** Leaves that the newest cosigned checkpoint covers; 0 before the first. */
  readonly size: number;
  /** When the quorum was last met, microseconds since the Unix epoch; null when never, as far as this process knows. */
  readonly lastUs: number | null;
}
