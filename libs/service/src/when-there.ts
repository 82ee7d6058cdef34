import { setTimeout as delay } from 'node:timers/promises';
import { isAffiantError } from '#errors';
import type { Logger } from '#observability';

const FIRST_MS = 250;
const LAST_MS = 5_000;

/** An engine that is away may come back. */
const PASSING: ReadonlySet<string> = new Set([
  'catalogue_failed',
  'engine_failed',
  'event_log_failed',
  'job_queue_failed',
  'object_store_failed',
  'signer_failed',
]);

/** Tries `work` again while it fails for want of an engine. @throws what does not pass, and when `stopping` fires */
export async function whenThere<T>(what: string, work: () => Promise<T>, stopping: AbortSignal, logger: Logger): Promise<T> {
  for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, LAST_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isAffiantError(error) || !PASSING.has(error.code)) throw error;
      logger.warn({ code: error.code, reason: error.message }, `${what} is away; trying again`);
    }
    await delay(wait, undefined, { signal: stopping });
  }
}
