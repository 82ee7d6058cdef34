import { turns, type Turns } from './turns.js';

/** Longest piece of work done in one go before others get their turn, milliseconds. */
const BUDGET_MS = 1;
/** The same from the second turn on while small calls wait beside it: each of them needs several turns, one behind the other. */
const CROWDED_BUDGET_MS = 0.25;

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

  constructor(
    private readonly budgetMs: number = BUDGET_MS,
    private readonly of: Turns = turns,
  ) {
    this.deadline = performance.now() + budgetMs;
  }

  get spent(): boolean {
    return performance.now() >= this.deadline;
  }

  /** Waits until every other waiter and all pending I/O had a turn, then starts a new budget. */
  async turn(): Promise<void> {
    await this.of.next();
    this.deadline = performance.now() + (this.of.crowded ? Math.min(this.budgetMs, CROWDED_BUDGET_MS) : this.budgetMs);
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
