interface Waiter {
  readonly seq: number;
  readonly resolve: (reached: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

/** Who waits until a growing number reaches theirs, lowest first. */
export class Waiters {
  #waiting: Waiter[] = [];

  /** True when `reached(seq)` came, false after `timeoutMs` or `releaseAll`. */
  wait(seq: number, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = { seq, resolve, timer: setTimeout(() => this.#giveUp(waiter), timeoutMs) };
      // Nearly always behind the last one: seqs are asked for as they are assigned.
      let at = this.#waiting.length;
      while (at > 0 && (this.#waiting[at - 1] as Waiter).seq > seq) at -= 1;
      this.#waiting.splice(at, 0, waiter);
    });
  }

  reached(seq: number): void {
    let count = 0;
    for (const waiter of this.#waiting) {
      if (waiter.seq > seq) break;
      count += 1;
    }
    for (const waiter of this.#waiting.splice(0, count)) settle(waiter, true);
  }

  releaseAll(): void {
    for (const waiter of this.#waiting.splice(0)) settle(waiter, false);
  }

  #giveUp(waiter: Waiter): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiter);
    waiter.resolve(false);
  }
}

function settle(waiter: Waiter, reached: boolean): void {
  clearTimeout(waiter.timer);
  waiter.resolve(reached);
}
