/** Longest piece of work done in one go before others get their turn, milliseconds. */
const DEFAULT_BUDGET_MS = 1;

const waiting: (() => void)[] = [];
let pumping = false;

/** One waiter per turn of the event loop: a hundred large bodies together hold it no longer than one does. */
function pump(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(pump);
  else pumping = false;
}

/**
 * A time budget for long work on the event loop. Work asks `spent` between small units (well under a millisecond each) and,
 * when it is, awaits `turn()`. Small bodies never reach it and so stay synchronous.
 */
export class Slices {
  private deadline: number;

  constructor(private readonly budgetMs: number = DEFAULT_BUDGET_MS) {
    this.deadline = performance.now() + budgetMs;
  }

  get spent(): boolean {
    return performance.now() >= this.deadline;
  }

  /** Waits until every other waiter and all pending I/O had a turn, then starts a new budget. */
  async turn(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (!pumping) {
        pumping = true;
        setImmediate(pump);
      }
    });
    this.deadline = performance.now() + this.budgetMs;
  }
}
