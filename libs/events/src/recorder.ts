import type { BodySegment, Control, DeadLetter, Checkpoint, Decision, Envelope, Principal, Request, Response } from './types.js';

type Draft<E extends { envelope: Envelope }> = Omit<E, 'envelope'>;

/** What the envelope says beside what the recorder assigns itself. */
export interface EventContext {
  readonly session_id: string | null;
  readonly exchange_id: string | null;
  readonly principal: Principal | null;
  readonly connection: string | null;
}

export type EventDraft = { readonly context: EventContext } & (
  | { readonly type: 'request'; readonly event: Draft<Request> }
  | { readonly type: 'segment'; readonly event: Draft<BodySegment> }
  | { readonly type: 'decision'; readonly event: Draft<Decision> }
  | { readonly type: 'response'; readonly event: Draft<Response> }
  | { readonly type: 'control'; readonly event: Draft<Control> }
  | { readonly type: 'checkpoint'; readonly event: Draft<Checkpoint> }
  | { readonly type: 'dead_letter'; readonly event: Draft<DeadLetter> }
);

export type EventType = EventDraft['type'];

export interface Receipt {
  readonly event_id: string;
  readonly source_id: string;
  readonly seq: number;
  /** SHA-256 over the exact framed bytes. */
  readonly payload_hash: Buffer;
}

/**
 * Port: turns drafts into durable events of one source.
 *
 * Order: drafts of one call get consecutive seqs, in order; calls are ordered by arrival.
 * Durability: resolves only when every draft is on stable storage (fdatasync).
 * A crash before it resolves leaves a prefix of the drafts, or none; a seq that became durable is never used again.
 *
 * @throws AffiantError journal_full before anything is assigned; journal_failed after which the recorder refuses all further work.
 */
export interface EventRecorder {
  readonly sourceId: string;
  readonly bootEpoch: number;
  record(drafts: readonly EventDraft[]): Promise<readonly Receipt[]>;
}

/** Context of what the system does by itself. */
export const SYSTEM_CONTEXT: EventContext = { session_id: null, exchange_id: null, principal: null, connection: null };
