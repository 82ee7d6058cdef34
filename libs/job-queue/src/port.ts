/**
 * Port: background jobs. A job survives a crash; a lease that ends (worker gone) gives it to the next worker, so handlers are idempotent.
 */
export interface JobQueue {
  /** Same name and key twice is one job. Durable when it resolves. */
  enqueue(name: string, payload: object, options: { readonly key: string }): Promise<void>;
  /** One job at a time; a handler that throws is retried with back-off up to `attempts`, then the job is failed and kept. */
  work(name: string, handler: (payload: object, job: { readonly key: string; readonly attempt: number }) => Promise<void>): void;
  close(): Promise<void>;
}
