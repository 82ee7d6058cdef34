import type { QueueOptions } from 'bull';
import { redisOptions } from './redis-options.js';

export interface BullQueueSettings {
  /** redis:// or rediss:// URL. */
  readonly url: string;
  /** First part of every key; several installations may share a Redis. Default `affiant`. */
  readonly prefix?: string;
  /** Calls of the handler, and workers that may die over a job. Default 5. */
  readonly attempts?: number;
  /** Pause before the first retry, milliseconds; doubled each time. Default 1,000. */
  readonly backoffMs?: number;
  /** A worker that does not renew its lock for so long counts as gone. Milliseconds, default 30,000. */
  readonly lockMs?: number;
}

/** Ended jobs that are kept, so that their key is still known. A key that fell out is a new job, and its handler finds the work done. */
const KEPT = 10_000;
const RETRY_FETCH_MS = 500;

/** Options of a Bull queue that keeps the JobQueue port's promises. */
export function bullQueueOptions(settings: BullQueueSettings): QueueOptions {
  const { attempts = 5, backoffMs = 1_000, lockMs = 30_000 } = settings;
  return {
    redis: redisOptions(settings.url),
    prefix: settings.prefix ?? 'affiant',
    defaultJobOptions: {
      attempts,
      backoff: { type: 'affiant', options: { firstMs: backoffMs } },
      removeOnComplete: { count: KEPT },
      removeOnFail: { count: KEPT },
    },
    settings: {
      lockDuration: lockMs,
      lockRenewTime: Math.ceil(lockMs / 3),
      stalledInterval: Math.ceil(lockMs / 2),
      // The first death is the first "stall": as many deaths as attempts.
      maxStalledCount: attempts - 1,
      retryProcessDelay: RETRY_FETCH_MS,
      guardInterval: Math.min(5_000, lockMs),
      backoffStrategies: { affiant: (made: number) => backoffMs * 2 ** (made - 1) },
    },
  };
}
