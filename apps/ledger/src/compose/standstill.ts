import type { Clock } from '#events';

const LONGEST_MS = 600_000;

/** Tells a consumer that is wedged from one that has nothing to do: something waits, and what waits has not become less for ten minutes. */
export class Standstill {
  #lag = 0;
  #sinceUs = 0;

  constructor(private readonly clock: Pick<Clock, 'monotonicUs'>) {}

  /** True when it stands still. To be told the lag regularly. */
  since(lag: number): boolean {
    const now = this.clock.monotonicUs();
    // Any fall is progress; a lag that only grows is not.
    if (lag === 0 || this.#lag === 0 || lag < this.#lag) this.#sinceUs = now;
    this.#lag = lag;
    return now - this.#sinceUs > LONGEST_MS * 1000;
  }
}
