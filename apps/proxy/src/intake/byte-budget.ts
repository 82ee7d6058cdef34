import { AffiantError } from '#errors';

/** Bounds the bytes of all bodies held at one time. */
export class ByteBudget {
  #used = 0;

  constructor(readonly limit: number) {}

  get used(): number {
    return this.#used;
  }

  /** @throws AffiantError overloaded when the bytes do not fit; nothing is taken then. */
  take(bytes: number): void {
    if (this.#used + bytes > this.limit) throw new AffiantError('overloaded', 'too many request bodies are in flight');
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
