import type { Principal } from '#events';

/** A request to have sealed originals opened. Times in milliseconds since the Unix epoch. */
export interface Unsealing {
  readonly id: string;
  /** `requested` waits for a second person, `approved` for the requester to fetch the values; the others have ended, and so have these two at `expires_at`. */
  readonly state: 'requested' | 'approved' | 'denied' | 'opened';
  readonly session: string;
  /** Null: all of the session. */
  readonly exchange: string | null;
  readonly reason: string;
  readonly requested_by: Principal;
  readonly requested_at: number;
  /** Until then it may be decided on; once approved, the values may be fetched until then. */
  readonly expires_at: number;
  readonly decided_by: Principal | null;
  readonly decided_at: number | null;
  readonly decision_reason: string | null;
  readonly opened_at: number | null;
}

export interface UnsealDecision {
  readonly state: 'approved' | 'denied';
  readonly by: Principal;
  readonly reason: string;
  readonly at: number;
  /** Until when the values may be fetched. */
  readonly expires_at: number;
}

/**
 * Port: requests to open sealed originals. Never holds a value.
 * @throws AffiantError catalogue_failed (retryable) while the database is away
 */
export interface UnsealBook {
  /** Durable when it resolves; an id that is there already is left as it is. */
  request(unsealing: Unsealing): Promise<Unsealing>;
  /** requested -> approved or denied, before it has expired. @throws AffiantError not_found; conflict when it is not waiting any more */
  decide(id: string, decision: UnsealDecision): Promise<Unsealing>;
  /** approved -> opened, before it has expired, and for one caller only however many ask at once. @throws AffiantError not_found; conflict */
  open(id: string, at: number): Promise<Unsealing>;
  get(id: string): Promise<Unsealing | null>;
  /** Newest first. */
  list(limit: number): Promise<Unsealing[]>;
}
