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

/** How often the wall clock is looked at, and what difference makes us follow it (it ticks in whole milliseconds). */
const ANCHOR_EVERY_MS = 1_000;
const ANCHOR_TOLERANCE_MS = 2;

export class SystemClock implements Clock {
  readonly #startedWallUs = Date.now() * 1000;
  readonly #startedMonotonic = performance.now();
  #anchorWallMs = performance.timeOrigin + performance.now();
  #anchorMonotonic = performance.now();
  #checkedAt = performance.now();

  /** Microseconds between two looks at the wall clock come from the monotonic one, which alone would ignore that NTP sets the time. */
  nowUs(): number {
    const now = performance.now();
    if (now - this.#checkedAt > ANCHOR_EVERY_MS) {
      this.#checkedAt = now;
      const wallMs = Date.now();
      if (Math.abs(wallMs - (this.#anchorWallMs + now - this.#anchorMonotonic)) > ANCHOR_TOLERANCE_MS) {
        this.#anchorWallMs = wallMs;
        this.#anchorMonotonic = now;
      }
    }
    return Math.round((this.#anchorWallMs + now - this.#anchorMonotonic) * 1000);
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
