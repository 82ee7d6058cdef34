import type { DataSource } from 'typeorm';
import { askCatalogue } from '#catalogue';
import type { Logger } from '#observability';
import type { JobHandler, JobQueue, JobStatus } from '../port.js';

export interface TableJobQueueOptions {
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** A lease that ends gives the job to the next worker. Milliseconds. */
  readonly leaseMs?: number;
  /** Calls of the handler, and workers that may die over a job. */
  readonly attempts?: number;
  /** Pause before the first retry, milliseconds; doubled each time. */
  readonly backoffMs?: number;
  readonly pollMs?: number;
}

/** JobQueue as a table of the catalogue (PostgreSQL dialect): claim with SKIP LOCKED, lease, bounded attempts, back-off. */
export class TableJobQueue implements JobQueue {
  readonly #handlers = new Map<string, JobHandler>();
  readonly #running = new Set<Promise<void>>();
  readonly #options: Required<TableJobQueueOptions>;
  #timer: NodeJS.Timeout | null = null;
  #turning = false;
  #closed = false;

  constructor(
    readonly source: DataSource,
    options: TableJobQueueOptions,
  ) {
    this.#options = { leaseMs: 600_000, attempts: 3, backoffMs: 2_000, pollMs: 500, ...options };
  }

  async enqueue(name: string, payload: object, { key }: { readonly key: string }): Promise<void> {
    const now = this.#options.nowMs();
    await askCatalogue(() =>
      this.source.query(
        `INSERT INTO job (name, key, payload, state, attempts, run_at, leased_until) VALUES ($1, $2, $3::jsonb, 'waiting', 0, $4, 0) ON CONFLICT DO NOTHING`,
        [name, key, JSON.stringify(payload), now],
      ),
    );
    this.#schedule(0);
  }

  work(name: string, handler: JobHandler): void {
    this.#handlers.set(name, handler);
    this.#schedule(0);
  }

  async status(name: string, key: string): Promise<JobStatus | null> {
    const rows = (await askCatalogue(() =>
      this.source.query('SELECT state, leased_until FROM job WHERE name = $1 AND key = $2', [name, key]),
    )) as { state: JobStatus; leased_until: string }[];
    const [job] = rows;
    if (job === undefined) return null;
    return job.state === 'waiting' && Number(job.leased_until) > this.#options.nowMs() ? 'active' : job.state;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await Promise.allSettled(this.#running);
  }

  #schedule(delay: number): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#track(this.#turn()), delay).unref();
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  async #turn(): Promise<void> {
    if (this.#turning) return;
    this.#turning = true;
    let found = false;
    try {
      for (const [name, handler] of this.#handlers) found = (await this.#runOne(name, handler)) || found;
    } catch (error) {
      this.#options.logger.warn({ reason: (error as Error).message }, 'the job table does not answer; trying again');
    } finally {
      this.#turning = false;
      this.#schedule(found ? 0 : this.#options.pollMs);
    }
  }

  /** A crash after the claim leaves the lease to run out; the job then runs again, so handlers are idempotent. */
  async #runOne(name: string, handler: JobHandler): Promise<boolean> {
    const now = this.#options.nowMs();
    await this.source.query(
      `UPDATE job SET state = 'failed', last_error = 'its workers ended without a word' WHERE name = $1 AND state = 'waiting' AND leased_until <= $2 AND attempts >= $3`,
      [name, now, this.#options.attempts],
    );
    const claimed = (await this.source.query(
      `UPDATE job SET attempts = attempts + 1, leased_until = $3 WHERE (name, key) IN (
         SELECT name, key FROM job WHERE name = $1 AND state = 'waiting' AND run_at <= $2 AND leased_until <= $2 ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING key, payload, attempts`,
      [name, now, now + this.#options.leaseMs],
    )) as [{ key: string; payload: object; attempts: number }[], number];
    const job = claimed[0][0];
    if (job === undefined) return false;
    try {
      await handler(job.payload, { key: job.key, attempt: job.attempts });
      await this.source.query(`UPDATE job SET state = 'done', leased_until = 0 WHERE name = $1 AND key = $2`, [name, job.key]);
    } catch (error) {
      const failed = job.attempts >= this.#options.attempts;
      this.#options.logger.warn({ name, key: job.key, attempt: job.attempts, reason: (error as Error).message }, 'a job failed');
      await this.source.query(`UPDATE job SET state = $3, run_at = $4, leased_until = 0, last_error = $5 WHERE name = $1 AND key = $2`, [
        name,
        job.key,
        failed ? 'failed' : 'waiting',
        this.#options.nowMs() + this.#options.backoffMs * 2 ** (job.attempts - 1),
        (error as Error).message.slice(0, 500),
      ]);
    }
    return true;
  }
}
