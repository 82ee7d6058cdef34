import type { Segment } from '#events';

export type SegmentReference = Omit<Segment, 'inline'>;

/** Content that is durable, from one piece of a body on. */
export interface KnownRun {
  /** The segments that carry it, in order. */
  readonly references: readonly SegmentReference[];
  /** Keys of the pieces behind the first that are in it too: it may be cited only where all of them follow. */
  readonly rest: readonly string[];
}

const SCOPES = 2_000;
const PIECES = 200_000;

/**
 * Which content is durable already, per scope (principal, connection, session): it is then sent by digest alone. Least recently
 * used scopes go first; a forgotten piece is only stored again.
 */
export class SessionSegments {
  readonly #scopes = new Map<string, Map<string, KnownRun>>();
  #pieces = 0;

  /** What begins with the piece, when all of it is durable. `key` is the SHA-256 of the piece's content as latin1; the digests of the segments are of what is stored, sealed. */
  find(scope: string, key: string): KnownRun | undefined {
    return this.#scopes.get(scope)?.get(key);
  }

  /** What the scope knows is not to be cited any more. */
  forget(scope: string): void {
    this.#pieces -= piecesOf(this.#scopes.get(scope));
    this.#scopes.delete(scope);
  }

  get #isFull(): boolean {
    return this.#scopes.size > SCOPES || this.#pieces > PIECES;
  }

  #forgetOldest(): void {
    for (const [oldest, pieces] of this.#scopes) {
      if (!this.#isFull) break;
      this.#scopes.delete(oldest);
      this.#pieces -= piecesOf(pieces);
    }
  }

  /** To be called only after the events that carry the segments are durable. `learned` belongs to this then. */
  remember(scope: string, learned: Map<string, KnownRun>): void {
    const known = this.#scopes.get(scope);
    this.#scopes.delete(scope);
    if (known === undefined) {
      // Taken over as it is: copying the thousands of pieces of a large body would hold the event loop.
      this.#scopes.set(scope, learned);
      this.#pieces += piecesOf(learned);
    } else {
      this.#scopes.set(scope, known);
      for (const [key, run] of learned) {
        this.#pieces += weightOf(run) - weightOf(known.get(key));
        known.set(key, run);
      }
    }
    // To find its oldest entry a Map goes over all that was deleted from it: not at each call.
    if (this.#isFull) this.#forgetOldest();
  }
}

const weightOf = (run: KnownRun | undefined): number => (run === undefined ? 0 : 1 + run.rest.length);

function piecesOf(runs: ReadonlyMap<string, KnownRun> = new Map()): number {
  let pieces = 0;
  for (const run of runs.values()) pieces += weightOf(run);
  return pieces;
}
