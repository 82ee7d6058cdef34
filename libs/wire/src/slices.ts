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

/** Asked between small units of work whether it is time to stop. */
export interface Budget {
  readonly spent: boolean;
}

/**
 * A time budget for long work on the event loop. Work asks `spent` between small units (well under a millisecond each) and,
 * when it is, awaits `turn()`. Small bodies never reach it and so stay synchronous.
 */
export class Slices implements Budget {
  private deadline: number;

  constructor(private readonly budgetMs: number = DEFAULT_BUDGET_MS) {
    this.deadline = performance.now() + budgetMs;
  }

  get spent(): boolean {
    return performance.now() >= this.deadline;
  }

  /** A new turn began by itself (something arrived): the budget begins anew. */
  renew(): void {
    this.deadline = performance.now() + this.budgetMs;
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
    this.renew();
  }
}

/** Work that stops between small units (well under a millisecond each) by `yield`, for `run` or `runInSlices` to go on with. */
export type Steps<T> = Generator<undefined, T>;

/** Runs work through in one go. */
export function run<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Runs work in slices, with the same result. Work that fits into the budget is done when this returns, and gives no promise. */
export function runInSlices<T>(steps: Steps<T>, slices: Slices): T | Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (slices.spent) return goOn(steps, slices);
  }
}

async function goOn<T>(steps: Steps<T>, slices: Slices): Promise<T> {
  for (;;) {
    if (slices.spent) await slices.turn();
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
