import type { Logger } from '#observability';
import type { Leadership, Pause } from '../ports.js';
import { Stopped } from '../retry.js';

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;

export interface CandidateOptions {
  readonly leadership: Leadership;
  readonly pause: Pause;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
  /** Sequences until the signal fires. @throws whatever made it step down */
  readonly lead: (signal: AbortSignal) => Promise<void>;
}

/**
 * Leads whenever it is this process's turn, until the ledger stops. Who loses the lead, or finds that another has moved the sealed state, steps
 * down and begins again from what is stored.
 */
export async function runCandidate({ leadership, pause, logger, stopping, lead }: CandidateOptions): Promise<void> {
  let wait = FIRST_WAIT;
  while (!stopping.aborted) {
    try {
      const term = await leadership.acquire(stopping);
      logger.info({}, 'this process leads the sequencing');
      try {
        await lead(AbortSignal.any([stopping, term.lost]));
        wait = FIRST_WAIT;
      } finally {
        await term.release();
        logger.info({ lost: term.lost.aborted }, 'this process leads no more');
      }
    } catch (error) {
      if (stopping.aborted) return;
      if (!(error instanceof Stopped)) logger.warn({ reason: String(error) }, 'the lead was given up');
    }
    await pause(wait, stopping);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}
