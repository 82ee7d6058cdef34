import { setTimeout as delay } from 'node:timers/promises';
import { isAffiantError, type ErrorCode } from '#errors';
import type { RetryOptions } from './port.js';

/** About half a minute in all: a restart of the engine is waited for, an outage is reported. */
export const DEFAULT_RETRY: RetryOptions = { attempts: 10, firstMs: 100, maxMs: 5_000 };

/** What may pass by itself. Anything else would fail again, or is a contradiction that must halt the consumer. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  'engine_failed',
  'catalogue_failed',
  'job_queue_failed',
  'object_store_failed',
  'siem_failed',
  'event_log_failed',
  'journal_full',
  'overloaded',
]);

export const isRetryable = (error: unknown): boolean => isAffiantError(error) && RETRYABLE.has(error.code);

/** Calls `work` until it succeeds, at most `attempts` times; gives up at once when stopped or when the error is not retryable. */
export async function withRetries(work: () => Promise<void>, retry: RetryOptions, stop: AbortSignal): Promise<void> {
  for (let attempt = 1, wait = retry.firstMs; ; attempt += 1, wait = Math.min(wait * 2, retry.maxMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error) || attempt >= retry.attempts || stop.aborted) throw error;
    }
    await delay(wait, undefined, { signal: stop }).catch(() => undefined);
  }
}
