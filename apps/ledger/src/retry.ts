import { setTimeout as delay } from 'node:timers/promises';
import { isAffiantError } from '#errors';
import type { Logger } from '#observability';
import type { Pause } from './ports.js';

const FIRST_WAIT = 50;
const LONGEST_WAIT = 5_000;

export const systemPause: Pause = async (milliseconds, signal) => {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
};

/** Thrown out of work that was given up because the ledger stops; never an alarm. */
export class Stopped extends Error {
  constructor() {
    super('the ledger stops');
    this.name = 'Stopped';
  }
}

/** Thrown out of a batch whose partition went to another member of the group: that one carries it on. Never an alarm. */
export class Withdrawn extends Error {
  constructor() {
    super('the partition is read by another process now');
    this.name = 'Withdrawn';
  }
}

/** True for errors that trying again cannot mend: what is stored contradicts what should be. */
export function isConflict(error: unknown): boolean {
  return isAffiantError(error) && error.code === 'ledger_conflict';
}

/**
 * Repeats an idempotent step with growing pauses until it succeeds.
 * @throws Stopped when the signal fires; the error itself when it is a conflict or Withdrawn.
 */
export async function untilDone<T>(what: string, step: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    if (options.signal.aborted) throw new Stopped();
    try {
      return await unlessGivenUp(step(), options.signal);
    } catch (error) {
      if (isConflict(error) || error instanceof Stopped || error instanceof Withdrawn) throw error;
      options.logger.warn(
        { step: what, code: isAffiantError(error) ? error.code : 'internal', reason: String(error) },
        'ledger step failed; trying again',
      );
      await options.pause(wait, options.signal);
    }
  }
}

/** Waits for work, but not beyond the signal: an engine that does not answer must not keep the process from ending. @throws Stopped */
export function unlessGivenUp<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Stopped());
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

/**
 * Does `once` again and again until the signal fires: after `interval` when it did something, else after `look`, or `interval` if that is shorter
 * (milliseconds). What it throws is logged; the next time does the same again.
 */
export async function everyInterval(what: string, once: () => Promise<boolean>, options: IntervalOptions): Promise<void> {
  const { interval, look, signal, pause = systemPause, logger } = options;
  while (!signal.aborted) {
    let done = false;
    try {
      done = await once();
    } catch (error) {
      logger.warn({ reason: String(error) }, `${what} failed; it is tried again`);
    }
    await pause(done ? interval : Math.min(interval, look), signal);
  }
}

export interface IntervalOptions {
  readonly interval: number;
  readonly look: number;
  readonly signal: AbortSignal;
  readonly pause?: Pause | undefined;
  readonly logger: Logger;
}

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly pause: Pause;
  readonly logger: Logger;
}
