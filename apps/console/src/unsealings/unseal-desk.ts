import type { UnsealBook, Unsealing } from '#catalogue';
import { AffiantError } from '#errors';
import type { Clock, EventRecorder, Ids, Principal } from '#events';
import { recordAccess, type AccessRecord } from '../access/access-log.js';
import { assertPerson, refusalsRecorded } from '../access/people-only.js';
import { readReason } from '../approvals/approval-rules.js';
import type { UnsealRules } from '../ports.js';
import { openOriginals, sealedIn, type OpenedEvent, type OriginalsPorts } from './open-originals.js';

const RULE = { code: 'unseal_forbidden', kind: 'unseal.refused' } as const;

export interface UnsealDeskOptions {
  readonly book: UnsealBook;
  readonly rules: () => UnsealRules;
  readonly originals: OriginalsPorts;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly ids: Ids;
  /** What a person writes enters the open trail. */
  readonly redact: (text: string) => string;
}

/**
 * Asks for the originals of a session, or of one exchange. The event is durable before the catalogue has it; a crash in between leaves a request that is told
 * and not there: nothing is opened, and it is made again.
 * @throws AffiantError unseal_forbidden, approval_reason_missing, not_found, conflict (erased), query_limit
 */
export async function requestUnsealing(
  options: UnsealDeskOptions,
  by: Principal,
  asked: { readonly session?: string | undefined; readonly exchange?: string | undefined; readonly reason: string },
): Promise<Unsealing> {
  const { book, originals, recorder, clock, ids, redact, rules } = options;
  return refusalsRecorded(recorder, RULE, by, { action: 'request', id: null }, async () => {
    assertPerson(by, rules().request, RULE.code, 'request that originals are unsealed');
    const reason = redact(readReason(asked.reason));
    const exchange = asked.exchange ?? null;
    const session = exchange === null ? asked.session : await originals.store.sessionOf(exchange);
    if (session === undefined || session === null) throw new AffiantError('not_found', 'the ledger keeps no sealed originals of it');
    const { events } = await sealedIn(originals, { session, exchange });
    const now = clock.nowMs();
    const unsealing: Unsealing = {
      id: ids.uuid(),
      state: 'requested',
      session,
      exchange,
      reason,
      requested_by: by,
      requested_at: now,
      expires_at: now + rules().expires,
      decided_by: null,
      decided_at: null,
      decision_reason: null,
      opened_at: null,
    };
    await tell(recorder, 'unseal.requested', by, unsealing, { reason, events: events.length });
    return book.request(unsealing);
  });
}

/** Another person than the one who requested it says yes or no. The event comes first, as above. @throws AffiantError unseal_forbidden, not_found, conflict */
export async function decideUnsealing(
  options: UnsealDeskOptions,
  by: Principal,
  id: string,
  state: 'approved' | 'denied',
  reason: string,
): Promise<Unsealing> {
  const { book, recorder, clock, redact, rules } = options;
  const unsealing = await found(book, id);
  return refusalsRecorded(recorder, RULE, by, { action: state, id }, async () => {
    assertPerson(by, rules().approve, RULE.code, 'decide whether originals are unsealed');
    if (isSame(by, unsealing.requested_by))
      throw new AffiantError(RULE.code, 'who requested that originals are unsealed does not decide on it');
    const now = clock.nowMs();
    assertOpen(unsealing, 'requested', now);
    const given = redact(readReason(reason));
    await tell(recorder, `unseal.${state}`, by, unsealing, { reason: given });
    return book.decide(id, { state, by, reason: given, at: now, expires_at: now + rules().window });
  });
}

/**
 * Gives the values to who requested them, once. What is given out: the row is `opened`, then the event is durable, then the values leave. A crash, or an event
 * that cannot be written, leaves a request that is used up: nothing has left, and it is made again.
 * @throws AffiantError unseal_forbidden, not_found, conflict, query_limit, content_key_failed, key_invalid
 */
export async function openUnsealing(
  options: UnsealDeskOptions,
  by: Principal,
  id: string,
): Promise<{ readonly unsealing: Unsealing; readonly opened: readonly OpenedEvent[] }> {
  const { book, originals, recorder, clock, rules } = options;
  const unsealing = await found(book, id);
  return refusalsRecorded(recorder, RULE, by, { action: 'open', id }, async () => {
    assertPerson(by, rules().request, RULE.code, 'open originals');
    if (!isSame(by, unsealing.requested_by)) throw new AffiantError(RULE.code, 'only who requested it gets the originals');
    assertOpen(unsealing, 'approved', clock.nowMs());
    const { session, exchange } = unsealing;
    const opened = await openOriginals(originals, { session, exchange });
    const after = await book.open(id, clock.nowMs());
    const facts = opened.map(({ values, ...event }) => ({ ...event, values: values.length }));
    await tell(
      recorder,
      'unseal.opened',
      by,
      unsealing,
      {
        reason: unsealing.reason,
        approved_by: `${unsealing.decided_by?.issuer ?? ''} ${unsealing.decided_by?.subject ?? ''}`,
        approval_reason: unsealing.decision_reason ?? '',
        values: facts.reduce((sum, { values }) => sum + values, 0),
        events: facts.length,
      },
      JSON.stringify({ events: facts }),
    );
    return { unsealing: after, opened };
  });
}

async function tell(
  recorder: EventRecorder,
  kind: AccessRecord['kind'],
  principal: Principal,
  { id, session, exchange }: Unsealing,
  attributes: Readonly<Record<string, string | number>>,
  detail: string | null = null,
): Promise<void> {
  await recordAccess(recorder, {
    kind,
    principal,
    outcome: 'success',
    subject: id,
    attributes: { session, exchange: exchange ?? '', ...attributes },
    detail,
    session_id: session,
    exchange_id: exchange,
  });
}

async function found(book: UnsealBook, id: string): Promise<Unsealing> {
  const unsealing = await book.get(id);
  if (unsealing === null) throw new AffiantError('not_found', 'there is no such request');
  return unsealing;
}

function isSame(a: Principal, b: Principal): boolean {
  return a.issuer === b.issuer && a.subject === b.subject;
}

function assertOpen({ state, expires_at }: Unsealing, wanted: Unsealing['state'], now: number): void {
  if (state !== wanted) throw new AffiantError('conflict', `the request is ${state}`);
  if (expires_at <= now) throw new AffiantError('conflict', 'the request has expired', { remedy: 'Make it again.' });
}
