import type { Principal } from '#events';

/** What a hold keeps: everything that fits all that is given. Times in milliseconds since the Unix epoch, from included, to excluded. */
export interface HoldScope {
  readonly from: number | null;
  readonly to: number | null;
  readonly session: string | null;
  /** Subject of the principal. */
  readonly principal: string | null;
  readonly connection: string | null;
}

export interface Hold {
  readonly id: string;
  readonly state: 'placed' | 'released';
  readonly scope: HoldScope;
  readonly reason: string;
  readonly placed_by: Principal;
  readonly placed_at: number;
  readonly released_by: Principal | null;
  readonly released_at: number | null;
  readonly release_reason: string | null;
}

/** Kinds of records that have a retention of their own. */
export type RecordClass = 'content' | 'decisions';

/** One drop of one class of records out of one monthly partition of the ledger. */
export interface RetentionDrop {
  /** `<partition>/<class>/<n>`: n grows when a drop that was abandoned is tried again. */
  readonly id: string;
  readonly partition: number;
  readonly record_class: RecordClass;
  /** `intended` may still be stopped by a hold; `dropping` may not, and must be finished; the others have ended. */
  readonly state: 'intended' | 'dropping' | 'dropped' | 'abandoned';
  readonly rows: number;
  /** First and last occurred_at of what goes, microseconds. */
  readonly from_us: number;
  readonly to_us: number;
  /** Hex SHA-256 of the retention policy in force. */
  readonly policy_digest: string;
  /** source -> every seq up to this one was sealed when it was intended: what came later is never dropped by this. */
  readonly frontiers: Readonly<Record<string, number>>;
  readonly intended_at: number;
  readonly ended_at: number | null;
}

export interface PlacedHold {
  readonly hold: Hold;
  /** Drops under way that the hold did not stop and whose time it covers. */
  readonly late: readonly RetentionDrop[];
  /** Erasures under way that it did not stop, of a session that it may cover. */
  readonly erasing: readonly string[];
}

/**
 * Port: legal holds, and the drops they stop. A hold that is placed before a drop is `dropping` stops it; one that comes later is placed all the same and told what
 * is already going. Both go through one lock, so there is no third case.
 * @throws AffiantError catalogue_failed (retryable) while the database is away
 */
export interface HoldBook {
  /** Durable when it resolves. Placing the same id again changes nothing. */
  place(hold: Hold): Promise<PlacedHold>;
  /** @throws AffiantError not_found; conflict when it is released already */
  release(id: string, by: Principal, reason: string, at: number): Promise<Hold>;
  get(id: string): Promise<Hold | null>;
  /** Newest first. */
  list(state?: Hold['state'], limit?: number): Promise<Hold[]>;

  /** Durable when it resolves; an id that is there already is left as it is. */
  intend(drop: RetentionDrop): Promise<RetentionDrop>;
  /** To `dropping`, unless a hold is active that is not among `seen` (the caller looks at it first): then false. @throws AffiantError conflict when it is not intended any more */
  begin(id: string, seen: readonly string[]): Promise<boolean>;
  end(id: string, state: 'dropped' | 'abandoned', at: number): Promise<void>;
  /** Newest first. */
  drops(states?: readonly RetentionDrop['state'][], limit?: number): Promise<RetentionDrop[]>;
}
