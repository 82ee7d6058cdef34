import type { Logger } from '#observability';
import { passes, runRetention, type RetentionPorts, type RetentionRun } from './run-retention.js';

export interface RetentionOptions extends RetentionPorts {
  /** Milliseconds between two runs. */
  readonly everyMs: number;
  readonly logger: Logger;
  /** False while another process leads: then nothing is done. */
  readonly leads?: () => Promise<boolean> | boolean;
}

/** Runs retention now and then; one run at a time, and what fails is tried again at the next. Returns the stop, which lets a run under way finish its step. */
export function startRetention({ everyMs, logger, leads = () => true, ...ports }: RetentionOptions): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  const tell = ({ dropped, abandoned }: RetentionRun): void => {
    for (const { id, rows } of dropped) logger.info({ drop: id, rows }, 'retention has dropped records');
    for (const { id } of abandoned) logger.info({ drop: id }, 'a hold has stopped a drop');
  };
  const run = async (): Promise<void> => {
    try {
      if (!stopped && (await leads())) tell(await runRetention(ports));
    } catch (error) {
      logger[passes(error) ? 'warn' : 'error'](
        { reason: (error as Error).message },
        'retention did not finish; what is open is finished by the next run',
      );
    }
  };
  const next = (): void => void (running = running.then(run));
  next();
  const timer = setInterval(next, Math.min(everyMs, 2_147_483_647));
  timer.unref();
  return async () => {
    stopped = true;
    clearInterval(timer);
    await running;
  };
}
