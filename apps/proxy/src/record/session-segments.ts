import type { Segment } from '#events';

export type SegmentReference = Omit<Segment, 'inline'>;

const SCOPES = 2_000;
const PIECES = 200_000;

/**
 * Which content is durable already, per scope (principal, connection, session): it is then sent by digest alone. Least recently
 * used scopes go first; a forgotten piece is only stored again.
 */
export class SessionSegments {
  readonly #scopes = new Map<string, Map<string, readonly SegmentReference[]>>();
  #pieces = 0;

  /** The segments that carry the piece, when all are durable. `key` is the SHA-256 of the piece's content as latin1; the digests of the segments are of what is stored, sealed. */
  find(scope: string, key: string): readonly SegmentReference[] | undefined {
    return this.#scopes.get(scope)?.get(key);
  }

  /** What the scope knows is not to be cited any more. */
  forget(scope: string): void {
    this.#pieces -= this.#scopes.get(scope)?.size ?? 0;
    this.#scopes.delete(scope);
  }

  /** To be called only after the events that carry the segments are durable. `learned` belongs to this then. */
  remember(scope: string, learned: Map<string, readonly SegmentReference[]>): void {
    const known = this.#scopes.get(scope);
    this.#scopes.delete(scope);
    if (known === undefined) {
      // Taken over as it is: copying the thousands of pieces of a large body would hold the event loop.
      this.#scopes.set(scope, learned);
      this.#pieces += learned.size;
    } else {
      this.#scopes.set(scope, known);
      for (const [key, references] of learned) {
        if (!known.has(key)) this.#pieces += 1;
        known.set(key, references);
      }
    }
    for (const [oldest, pieces] of this.#scopes) {
      if (this.#scopes.size <= SCOPES && this.#pieces <= PIECES) break;
      this.#scopes.delete(oldest);
      this.#pieces -= pieces.size;
    }
  }
}
