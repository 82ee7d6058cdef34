import { v7 as uuidv7 } from 'uuid';

/** Time, injectable in tests. */
export interface Clock {
  /** Microseconds since the Unix epoch, UTC. */
  nowUs(): number;
  /** Milliseconds since the Unix epoch, UTC. */
  nowMs(): number;
  /** Monotonic microseconds, for durations only. */
  monotonicUs(): number;
  /** Drift of the wall clock against the monotonic clock since start, microseconds. */
  offsetUs(): number;
}

/** Identifiers, injectable in tests. */
export interface Ids {
  /** UUIDv7, text form (RFC 9562 §5.7). */
  uuid(): string;
}

export class SystemClock implements Clock {
  readonly #startedWallUs = Date.now() * 1000;
  readonly #startedMonotonic = performance.now();

  nowUs(): number {
    return Math.round((performance.timeOrigin + performance.now()) * 1000);
  }

  nowMs(): number {
    return Date.now();
  }

  monotonicUs(): number {
    return Math.round(performance.now() * 1000);
  }

  offsetUs(): number {
    const elapsedUs = Math.round((performance.now() - this.#startedMonotonic) * 1000);
    return Date.now() * 1000 - this.#startedWallUs - elapsedUs;
  }
}

export class SystemIds implements Ids {
  uuid(): string {
    return uuidv7();
  }
}
