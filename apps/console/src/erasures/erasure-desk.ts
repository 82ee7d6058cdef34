import type { Erasure, ErasureBook } from '#catalogue';
import { AffiantError } from '#errors';
import type { Clock, EventRecorder, Ids, Principal } from '#events';
import type { SessionContent } from '#ledger-store';
import { recordAccess } from '../access/access-log.js';
import { assertPerson, refusalsRecorded } from '../access/people-only.js';
import { readReason } from '../approvals/approval-rules.js';
import type { ErasureRoles } from '../ports.js';

const RULE = { code: 'erasure_forbidden', kind: 'erasure.refused' } as const;

export interface ErasureDeskOptions {
  readonly book: ErasureBook;
  readonly roles: () => ErasureRoles;
  readonly contentOf: (session: string) => Promise<SessionContent>;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly ids: Ids;
  /** What a person writes enters the open trail. */
  readonly redact: (text: string) => string;
}

export interface RequestedErasure {
  readonly erasure: Erasure;
  /** What there is to erase now. */
  readonly content: SessionContent;
}

/**
 * Asks for the content of a session to be erased. The event is durable before the catalogue has it; a crash in between leaves a request that is told and not
 * there: nothing is erased, and it is made again.
 * @throws AffiantError erasure_forbidden, approval_reason_missing, usage_invalid, not_found
 */
export async function requestErasure(
  options: ErasureDeskOptions,
  by: Principal,
  asked: { readonly session: string; readonly reason: string; readonly basis: string },
): Promise<RequestedErasure> {
  const { book, contentOf, recorder, clock, ids, redact, roles } = options;
  return refusalsRecorded(recorder, RULE, by, { action: 'request', id: null }, async () => {
    assertPerson(by, roles().request, RULE.code, 'request an erasure');
    const reason = redact(readReason(asked.reason));
    if (asked.basis.trim() === '') throw new AffiantError('usage_invalid', 'an erasure names its legal basis');
    const content = await contentOf(asked.session);
    if (content.keys.length === 0)
      throw new AffiantError('not_found', `the ledger has no sealed content of this session (${content.unsealed} events are not sealed)`);
    const erasure: Erasure = {
      id: ids.uuid(),
      state: 'requested',
      session: asked.session,
      reason,
      basis: redact(asked.basis),
      requested_by: by,
      requested_at: clock.nowMs(),
      approved_by: null,
      approved_at: null,
      approval_reason: null,
      key_ids: [],
      counts: null,
      ended_at: null,
    };
    const { session, basis } = erasure;
    await recordAccess(recorder, {
      kind: 'erasure.requested',
      principal: by,
      outcome: 'success',
      subject: erasure.id,
      attributes: { session, reason, basis, events: content.events, unsealed: content.unsealed },
      session_id: session,
    });
    return { erasure: await book.request(erasure), content };
  });
}

/** Another person than the one who requested it agrees: from now on it is carried out, unless a hold stops it. The event comes first, as above. */
export async function approveErasure(options: ErasureDeskOptions, by: Principal, id: string, reason: string): Promise<Erasure> {
  const { book, recorder, clock, redact, roles } = options;
  const erasure = await found(book, id);
  return refusalsRecorded(recorder, RULE, by, { action: 'approve', id }, async () => {
    assertPerson(by, roles().approve, RULE.code, 'approve an erasure');
    const { issuer, subject } = erasure.requested_by;
    if (issuer === by.issuer && subject === by.subject)
      throw new AffiantError('erasure_forbidden', 'who requested an erasure does not approve it');
    assertRequested(erasure);
    const given = redact(readReason(reason));
    await recordAccess(recorder, {
      kind: 'erasure.approved',
      principal: by,
      outcome: 'success',
      subject: id,
      attributes: { session: erasure.session, reason: given },
      session_id: erasure.session,
    });
    return book.approve(id, by, given, clock.nowMs());
  });
}

/** Ends a request that nobody has approved. @throws AffiantError not_found, conflict, erasure_forbidden */
export async function withdrawErasure(options: ErasureDeskOptions, by: Principal, id: string, reason: string): Promise<Erasure> {
  const { book, recorder, clock, redact, roles } = options;
  const erasure = await found(book, id);
  return refusalsRecorded(recorder, RULE, by, { action: 'withdraw', id }, async () => {
    assertPerson(by, [...roles().request, ...roles().approve], RULE.code, 'withdraw an erasure');
    assertRequested(erasure);
    const attributes = { session: erasure.session, reason: redact(readReason(reason)) };
    await recordAccess(recorder, {
      kind: 'erasure.withdrawn',
      principal: by,
      outcome: 'success',
      subject: id,
      attributes,
      session_id: erasure.session,
    });
    return book.withdraw(id, clock.nowMs());
  });
}

async function found(book: ErasureBook, id: string): Promise<Erasure> {
  const erasure = await book.get(id);
  if (erasure === null) throw new AffiantError('not_found', 'there is no such erasure');
  return erasure;
}

function assertRequested({ state }: Erasure): void {
  if (state !== 'requested') throw new AffiantError('conflict', `the erasure is ${state} already`);
}
