import type { Logger } from '#observability';
import { PostgresLeadership } from '../leadership/postgres-leadership.js';
import type { Term } from '../ports.js';

/** How long a look whether this process may do it waits for the lock. */
const ASK_MS = 2_000;

/** Work that only one ledger service does at a time: a lock of its own in PostgreSQL. */
export class OneAtATime {
  readonly #leadership: PostgresLeadership;
  #term: Term | null = null;

  /** @param name of the work; the same in every service */
  constructor(options: { readonly url: string; readonly name: string; readonly logger: Logger }) {
    this.#leadership = new PostgresLeadership(options);
  }

  /** Whether it is this process's turn. */
  async leads(): Promise<boolean> {
    if (this.#term !== null && !this.#term.lost.aborted) return true;
    await this.#term?.release();
    this.#term = await this.#leadership.acquire(AbortSignal.timeout(ASK_MS)).catch(() => null);
    return this.#term !== null;
  }

  async release(): Promise<void> {
    await this.#term?.release();
  }
}
