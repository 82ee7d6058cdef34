/** Records of the first resend; doubled while each resend lets the ledger go on exactly to its end, which tells that more behind it is missing. */
const FIRST_WINDOW = 1_000;
const LAST_WINDOW = 32_000;
/** How long the ledger gets to go on behind what was sent again, before what follows is sent again too. Milliseconds. */
const SETTLE_MS = 5_000;
/** A ledger that stays where it is, e.g. because it is away, is told again ever more rarely, down to once in so many times `resend_after`. */
const SLOWEST = 16;

export interface SeqRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

/**
 * When to send again what the event log has acknowledged and the ledger has not. The ledger's frontier is contiguous, so that one that moves has no hole before
 * it; only one that stands still is helped, and only by a bounded piece: an outage of the ledger must not fill the log with copies.
 */
export class ResendPlan {
  #frontier = -1;
  /** The frontier stands still, with something behind it, since then; null while nothing is behind it. */
  #since: number | null = null;
  #interval: number;
  #window = FIRST_WINDOW;
  #resentTo: number | null = null;

  constructor(private readonly afterMs: number) {
    this.#interval = afterMs;
  }

  /**
   * What is to be sent again now, if anything; it counts as sent then.
   * @param frontier highest seq the ledger has acknowledged; null = not known yet
   * @param leaf highest seq that the event log has acknowledged and that becomes a leaf: what follows it is never acknowledged by itself
   */
  due(frontier: number | null, leaf: number, nowMs: number): SeqRange | null {
    if (frontier === null) return null;
    if (frontier > this.#frontier) this.#moved(frontier, nowMs);
    if (frontier >= leaf) {
      this.#since = null;
      return null;
    }
    this.#since ??= nowMs;
    if (nowMs - this.#since < this.#interval) return null;
    const to = Math.min(frontier + this.#window, leaf);
    this.#resentTo = to;
    this.#since = nowMs;
    this.#interval = Math.min(this.#interval * 2, this.afterMs * SLOWEST);
    return { from: frontier + 1, to };
  }

  #moved(frontier: number, nowMs: number): void {
    const toItsEnd = frontier === this.#resentTo;
    this.#frontier = frontier;
    this.#interval = this.afterMs;
    this.#window = toItsEnd ? Math.min(this.#window * 2, LAST_WINDOW) : FIRST_WINDOW;
    this.#since = toItsEnd ? nowMs - this.afterMs + Math.min(SETTLE_MS, this.afterMs) : null;
    this.#resentTo = null;
  }
}
