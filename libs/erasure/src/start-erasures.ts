import type { Logger } from '#observability';
import { passes } from '#retention';
import { runErasures, type ErasurePorts } from './run-erasures.js';
import { destroyAgain, sweep } from './sweep.js';

export interface ErasureOptions extends ErasurePorts {
  /** Milliseconds between two looks for what was agreed on. */
  readonly everyMs: number;
  /** Milliseconds between two looks for content of destroyed keys. */
  readonly sweepMs: number;
  readonly logger: Logger;
  /** False while another process leads: then nothing is done. */
  readonly leads?: () => Promise<boolean> | boolean;
}

/** Carries out erasures as they are agreed on; one at a time, and what fails is tried again. Returns the stop, which lets a step under way finish. */
export function startErasures({ everyMs, sweepMs, logger, leads = () => true, ...ports }: ErasureOptions): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let swept: { readonly since: number; readonly at: number } | null = null;
  const look = async (): Promise<void> => {
    try {
      if (stopped || !(await leads())) return;
      const { erased, abandoned } = await runErasures(ports);
      for (const { id, session } of erased) logger.info({ erasure: id, session }, 'content was erased');
      for (const { id } of abandoned) logger.info({ erasure: id }, 'a hold has stopped an erasure');
      if (swept !== null && ports.nowMs() - swept.at < sweepMs && erased.length === 0) return;
      const again = swept === null ? await destroyAgain(ports) : 0;
      if (again > 0) logger.warn({ keys: again }, 'an old copy of the catalogue had keys that were destroyed; they are destroyed again');
      const { rows, since } = await sweep(ports, swept?.since ?? 0);
      if (rows > 0) logger.warn({ rows }, 'content of destroyed keys was there again; it is deleted');
      swept = { since, at: ports.nowMs() };
    } catch (error) {
      logger[passes(error) ? 'warn' : 'error'](
        { reason: (error as Error).message },
        'an erasure did not finish; the next look finishes it',
      );
    }
  };
  const next = (): void => void (running = running.then(look));
  next();
  const timer = setInterval(next, everyMs);
  timer.unref();
  return async () => {
    stopped = true;
    clearInterval(timer);
    await running;
  };
}
