import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** How often the event loop is looked at. Each look wakes it: at 1 ms that alone took 2 to 3 % of a core from a process that did nothing. */
const LOOK_MS = 10;

/** How long the event loop was held, milliseconds: how much later than due a look came. A hold shorter than the look may go unseen. */
export class LoopDelay {
  readonly #looks: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOK_MS });

  /** From here on; what came before is not counted. */
  start(): void {
    this.#looks.enable();
  }

  read(): { readonly max_ms: number; readonly p99_ms: number } {
    return { max_ms: beyond(this.#looks.max), p99_ms: beyond(this.#looks.percentile(99)) };
  }

  stop(): void {
    this.#looks.disable();
  }
}

const beyond = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LOOK_MS);
