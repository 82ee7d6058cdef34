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
  /** Microseconds since the Unix epoch, by our clock; null when it has not stamped since the start. */
  readonly lastUs: number | null;
  /** Why it did not stamp the last time; null when it did, or was not asked yet. */
  readonly failing: string | null;
}
