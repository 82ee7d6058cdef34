export type JobStatus = 'waiting' | 'active' | 'done' | 'failed';

export type JobHandler = (payload: object, job: { readonly key: string; readonly attempt: number }) => Promise<void>;

/**
 * Port: background jobs. A job survives a crash; when its worker is gone the next worker gets it, and a worker may even go on with a job
 * that another one has by then (its lease or lock ran out unseen), so handlers are idempotent.
 */
export interface JobQueue {
  /**
   * Same name and key twice is one job, also when the first has ended. Durable when it resolves; when it rejects, it may be there or not.
   * @throws AffiantError catalogue_failed (table) | job_queue_failed (Bull), both retryable
   */
  enqueue(name: string, payload: object, options: { readonly key: string }): Promise<void>;
  /**
   * One job at a time; a handler that throws is retried with back-off up to `attempts`, then the job is failed and kept. So is a job
   * over which as many workers died. Goes on by itself when the queue was away.
   */
  work(name: string, handler: JobHandler): void;
  /** What became of a job; null when there is none, or when it ended so long ago that it is no longer kept. @throws as enqueue */
  status(name: string, key: string): Promise<JobStatus | null>;
  /** Takes no more jobs and waits for the one in hand. */
  close(): Promise<void>;
}
