import type { Clock, EventRecorder } from '#events';
import type { Logger } from '#observability';
import type { StampStore, TimestampAuthority } from '#timestamp';
import type { Pause } from '../ports.js';

export interface StampPorts {
  /** The note of the newest checkpoint worth stamping (cosigned, where there are witnesses); null while there is none, or while another process leads. */
  readonly newest: () => Promise<string | null>;
  /** None: the loop does nothing. */
  readonly authorities: readonly TimestampAuthority[];
  readonly stamps: StampStore;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: {
    /** Milliseconds between two times. */
    readonly interval: number;
    /** Milliseconds before the end of its certificate at which a stamp is stamped anew. */
    readonly renewBefore: number;
    readonly pause?: Pause;
  };
}

/** How an authority did last. */
export interface AuthorityHealth {
  readonly name: string;
  /** When it stamped last, microseconds since the Unix epoch: by our clock, and for a stamp of an earlier process by its own. Null: not known. */
  readonly lastUs: number | null;
  /** Why it did not stamp the last time; null when it did, or was not asked yet. */
  readonly failing: string | null;
  /** Leaves of the largest checkpoint it has stamped; 0 before the first. */
  readonly size: number;
  /** When the first of its stamps can no longer be checked unless it is renewed, microseconds since the Unix epoch; null when there is none. */
  readonly expiresUs: number | null;
}

/** How the time stamps of the log are. Empty where no authority is configured. */
export interface StampHealth {
  readonly intervalMs: number;
  readonly renewBeforeMs: number;
  readonly authorities: readonly AuthorityHealth[];
}
