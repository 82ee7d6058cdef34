import { setTimeout as delay } from 'node:timers/promises';
import type Bull from 'bull';
import { toAffiantError } from '#errors';
import type { Logger } from '#observability';
import type { JobHandler, JobQueue, JobStatus } from '../port.js';
import { bullQueueOptions, type BullQueueSettings } from './queue-options.js';
import { redisWarnings } from './redis-warnings.js';

/** What lies in Redis under a job. */
interface Envelope {
  readonly key: string;
  readonly payload: object;
}

export interface BullJobQueueOptions {
  readonly logger: Logger;
  /** The Bull queue of a job name, made with bullQueueOptions. Asked once per name. */
  readonly queueOf: (name: string) => Bull.Queue<Envelope>;
}

/** How long a call waits for Redis in all. Milliseconds. */
const ANSWER_MS = 5_000;
const CLOSE_MS = 10_000;
const TRIES = 5;

/**
 * JobQueue on Redis, one Bull queue per job name. What a crash of Redis does: acknowledged jobs are there after the restart when its
 * append-only file is synced at every write; a job in work loses its lock and runs a second time, also when its handler had ended.
 */
export class BullJobQueue implements JobQueue {
  readonly #queues = new Map<string, Bull.Queue<Envelope>>();
  #turn: Promise<unknown> = Promise.resolve();
  #warnedAt = 0;

  constructor(private readonly options: BullJobQueueOptions) {}

  /**
   * Opens its own connections; nothing waits for Redis here. Bull is loaded only now: standalone mode has no use for its 15 MB.
   * @throws AffiantError config_invalid
   */
  static async connect(settings: BullQueueSettings & { readonly logger: Logger }): Promise<BullJobQueue> {
    const options = bullQueueOptions(settings);
    const { default: Queue } = await import('bull');
    return new BullJobQueue({ logger: settings.logger, queueOf: (name) => new Queue<Envelope>(name, options) });
  }

  async enqueue(name: string, payload: object, { key }: { readonly key: string }): Promise<void> {
    // Same id twice is one job: Bull looks for the id and adds in one script.
    await this.#ask('a job could not be put in', () => this.#queue(name).add({ key, payload }, { jobId: jobId(key) }));
  }

  work(name: string, handler: JobHandler): void {
    const run = async (job: Bull.Job<Envelope>): Promise<void> => {
      const { key, payload } = job.data;
      try {
        await this.#inTurn(() => handler(payload, { key, attempt: job.attemptsMade + 1 }));
      } catch (error) {
        this.options.logger.warn({ name, key, attempt: job.attemptsMade + 1, reason: (error as Error).message }, 'a job failed');
        throw error;
      }
    };
    // Resolves when the queue is closed. It waits for Redis when that is away, and rejects only when closed meanwhile.
    this.#queue(name)
      .process(1, run)
      .catch((error: unknown) => this.#warn(name, error));
  }

  async status(name: string, key: string): Promise<JobStatus | null> {
    for (let left = TRIES; ; left -= 1) {
      const state = await this.#ask('the state of a job could not be read', async () => {
        const job = await this.#queue(name).getJob(jobId(key));
        return job === null ? null : ((await job.getState()) as string);
      });
      if (state === null) return null;
      if (state === 'completed') return 'done';
      if (state === 'failed' || state === 'active') return state;
      if (state !== 'stuck') return 'waiting';
      // In no list: it moved between two looks, or (a damaged Redis) nobody will ever run it.
      if (left <= 1) return 'failed';
      await delay(50);
    }
  }

  async close(): Promise<void> {
    const closed = Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    await this.#turn;
    // Without Redis Bull may wait for an answer that does not come; what is unfinished there runs again elsewhere.
    await Promise.race([closed, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  #queue(name: string): Bull.Queue<Envelope> {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = this.options.queueOf(name);
    queue.on('error', (error: Error) => this.#warn(name, error));
    queue.on('stalled', ({ data }: Bull.Job<Envelope>) =>
      this.options.logger.warn({ name, key: data.key }, 'a job whose worker is gone runs again'),
    );
    queue.on('lock-extension-failed', ({ data }: Bull.Job<Envelope>) =>
      this.options.logger.warn({ name, key: data.key }, 'the lock of a job could not be renewed; it may run twice'),
    );
    if (this.#queues.size === 0) this.#lookAtRedis(queue);
    this.#queues.set(name, queue);
    return queue;
  }

  /** A packet whose job is lost is put in again by a sweep, so this is a warning and no reason not to start. */
  #lookAtRedis(queue: Bull.Queue<Envelope>): void {
    redisWarnings(queue.client).then(
      (warnings) => {
        for (const warning of warnings) this.options.logger.warn({ setting: warning }, 'this Redis may lose acknowledged jobs');
      },
      () => undefined,
    );
  }

  /** One job at a time in this process, whatever its name. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const silent = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), ANSWER_MS);
    });
    try {
      return await Promise.race([call(), silent]);
    } catch (cause) {
      throw toAffiantError(cause, 'job_queue_failed', what);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An outage emits an error per try: one line every few seconds is enough. */
  #warn(name: string, error: unknown): void {
    const now = performance.now();
    if (now - this.#warnedAt < 5_000 && this.#warnedAt > 0) return;
    this.#warnedAt = now;
    this.options.logger.warn(
      { name, reason: error instanceof Error ? error.message : 'closed' },
      'the job queue does not answer; trying again',
    );
  }
}

/** Bull's own keys of a queue (`wait`, `active`, `<id>:lock`) must not be reachable by a job's key. */
function jobId(key: string): string {
  return `job-${encodeURIComponent(key)}`;
}
