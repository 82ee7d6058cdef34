import type { KeyBook, KeyPool, SealingKey } from '#content-keys';
import type { EventContext } from '#events';
import type { Logger } from '#observability';
import type { SessionSegments } from './session-segments.js';

/** Sessions whose key is remembered; one that fell out gets a new key, and its content is stored anew. */
const SCOPES = 10_000;
/** How far back each look at what was destroyed begins: the clocks of several services are not one. */
const OVERLAP_MS = 300_000;
const PAGE = 10_000;

/** What shares a key: a session of one principal on one connection; calls that name none have one a day (inspect/day-session.ts). */
export function keyScopeOf({ principal, connection, session_id }: EventContext): string {
  return `${principal?.issuer ?? ''}\n${principal?.subject ?? ''}\n${connection ?? ''}\n${session_id ?? ''}`;
}

/**
 * The key of each session, in the one process that seals with it. What `segments` knows of a scope is all sealed under its present key: when a key goes, so
 * does that knowledge, or later calls would cite what nobody can read.
 */
export class SessionKeys {
  readonly #keys = new Map<string, SealingKey | Promise<SealingKey>>();
  readonly #scopes = new Map<string, string>();
  #since: number;

  constructor(
    private readonly pool: Pick<KeyPool, 'take'>,
    private readonly book: Pick<KeyBook, 'destroyedSince'>,
    private readonly segments: Pick<SessionSegments, 'forget'>,
    nowMs: number,
    /** Of the same sessions, for originals: they are wrapped under a public key, so that what they seal does not open here. Null where nothing is kept. */
    readonly originals: SessionKeys | null = null,
  ) {
    this.#since = nowMs;
  }

  /** At once while the pool has keys. @throws AffiantError content_key_failed */
  forScope(scope: string): SealingKey | Promise<SealingKey> {
    const known = this.#keys.get(scope);
    if (known !== undefined) {
      this.#keys.delete(scope);
      this.#keys.set(scope, known);
      return known;
    }
    const taken = this.pool.take();
    if (!(taken instanceof Promise)) return this.#remember(scope, taken);
    // Calls that come meanwhile wait for the same key.
    const waiting = taken.then(
      (key) => this.#remember(scope, key),
      (error: unknown) => {
        if (this.#keys.get(scope) === waiting) this.#keys.delete(scope);
        throw error;
      },
    );
    this.#keys.set(scope, waiting);
    return waiting;
  }

  /** Whether it is still the key of the scope: what was sealed under another one must not be cited. */
  isCurrent(scope: string, key: SealingKey): boolean {
    return this.#keys.get(scope) === key;
  }

  /** Gives up keys that were destroyed meanwhile; the next call of the session gets another. @throws AffiantError catalogue_failed */
  async followErasures(logger: Logger): Promise<void> {
    await this.originals?.followErasures(logger);
    const from = this.#since - OVERLAP_MS;
    const destroyed = await this.book.destroyedSince(from, PAGE);
    for (const { id, at } of destroyed) {
      this.#since = Math.max(this.#since, at);
      const scope = this.#scopes.get(id);
      if (scope === undefined) continue;
      this.#drop(scope);
      logger.info({ key: id }, 'the key of a session was destroyed; it goes on under another');
    }
    if (destroyed.length === PAGE && this.#since - OVERLAP_MS > from) await this.followErasures(logger);
  }

  #remember(scope: string, key: SealingKey): SealingKey {
    this.#keys.set(scope, key);
    this.#scopes.set(key.id, scope);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= SCOPES) break;
      this.#drop(oldest);
    }
    return key;
  }

  #drop(scope: string): void {
    const key = this.#keys.get(scope);
    this.#keys.delete(scope);
    if (key !== undefined && !(key instanceof Promise)) this.#scopes.delete(key.id);
    this.segments.forget(scope);
  }
}
