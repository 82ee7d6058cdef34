import { randomFillSync } from 'node:crypto';
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

const RANDOM_BYTES = 16;
const POOLED_IDS = 256;

/** UUIDv7 that sort in the order they were made (RFC 9562 §6.2, method 1), with random bytes drawn for many at a time. */
export class SystemIds implements Ids {
  readonly #pool = new Uint8Array(RANDOM_BYTES * POOLED_IDS);
  #drawn = POOLED_IDS;
  #msecs = 0;
  #seq = 0;

  uuid(): string {
    if (this.#drawn === POOLED_IDS) {
      randomFillSync(this.#pool);
      this.#drawn = 0;
    }
    const random = this.#pool.subarray(this.#drawn * RANDOM_BYTES, (this.#drawn + 1) * RANDOM_BYTES);
    this.#drawn += 1;
    const now = Date.now();
    if (now > this.#msecs) {
      this.#msecs = now;
      // Half of the counter's range is left for this millisecond.
      this.#seq = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
    } else {
      this.#seq += 1;
    }
    return uuidv7({ random, msecs: this.#msecs, seq: this.#seq });
  }
}
