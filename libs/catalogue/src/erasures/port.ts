import type { Principal } from '#events';

/** What an erasure did. */
export interface ErasureCounts {
  /** Keys that were destroyed by it. */
  readonly keys: number;
  /** Events of the session whose content is sealed. */
  readonly events: number;
  /** Events of the session whose content an earlier release recorded unsealed: it cannot be erased, and was not. */
  readonly unsealed: number;
}

/** Times in milliseconds since the Unix epoch. */
export interface Erasure {
  readonly id: string;
  /**
   * `requested` waits for a second person; `intended` may still be stopped by a hold, and is then `abandoned`; `erasing` may not, and must be finished;
   * the others have ended.
   */
  readonly state: 'requested' | 'intended' | 'erasing' | 'erased' | 'abandoned' | 'withdrawn';
  readonly session: string;
  readonly reason: string;
  /** Legal basis, in the words of who requested it. */
  readonly basis: string;
  readonly requested_by: Principal;
  readonly requested_at: number;
  readonly approved_by: Principal | null;
  readonly approved_at: number | null;
  readonly approval_reason: string | null;
  /** What is destroyed: fixed when it begins, so that every repetition after a crash destroys the same. */
  readonly key_ids: readonly string[];
  readonly counts: ErasureCounts | null;
  readonly ended_at: number | null;
}

/**
 * Port: erasures, and the holds that stop them. Placing a hold and `begin` share one lock, the one of retention's drops: a hold that is placed before an
 * erasure is `erasing` stops it, one that comes later is told so (HoldBook.place).
 * @throws AffiantError catalogue_failed (retryable) while the database is away
 */
export interface ErasureBook {
  /** Durable when it resolves; an id that is there already is left as it is. */
  request(erasure: Erasure): Promise<Erasure>;
  /** requested -> intended. @throws AffiantError not_found; conflict when it is not requested any more */
  approve(id: string, by: Principal, reason: string, at: number): Promise<Erasure>;
  /** requested -> withdrawn. @throws AffiantError not_found; conflict when it is not requested any more */
  withdraw(id: string, at: number): Promise<Erasure>;
  /** intended -> erasing, unless a hold is active that is not among `seen` (the caller looks at it first): then false. @throws AffiantError conflict when it is not intended any more */
  begin(id: string, seen: readonly string[], keyIds: readonly string[]): Promise<boolean>;
  end(id: string, state: 'erased' | 'abandoned', counts: ErasureCounts | null, at: number): Promise<void>;
  get(id: string): Promise<Erasure | null>;
  /** Newest first. */
  list(states?: readonly Erasure['state'][], limit?: number): Promise<Erasure[]>;
}
