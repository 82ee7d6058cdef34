import { AffiantError } from '#errors';
import type { Principal } from '#events';

/** Counts running queries, per principal and in all. Nothing waits: a client that gets query_limit tries again. */
export class QuerySlots {
  #running = 0;
  readonly #byPrincipal = new Map<string, number>();

  constructor(
    private readonly perPrincipal: number,
    private readonly total: number,
  ) {}

  get running(): number {
    return this.#running;
  }

  /** Returns the function that gives the slot back. @throws AffiantError query_limit */
  take({ issuer, subject }: Principal): () => void {
    const key = `${issuer}\n${subject}`;
    const mine = this.#byPrincipal.get(key) ?? 0;
    if (mine >= this.perPrincipal || this.#running >= this.total) {
      throw new AffiantError('query_limit', 'too many queries at once', { remedy: 'Wait until one of the running queries has ended.' });
    }
    this.#running += 1;
    this.#byPrincipal.set(key, mine + 1);
    return () => {
      this.#running -= 1;
      const left = (this.#byPrincipal.get(key) ?? 1) - 1;
      if (left === 0) this.#byPrincipal.delete(key);
      else this.#byPrincipal.set(key, left);
    };
  }
}
