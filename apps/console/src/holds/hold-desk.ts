import type { Hold, HoldBook, HoldScope, RetentionDrop } from '#catalogue';
import type { Clock, EventRecorder, Ids, Principal } from '#events';
import { AffiantError } from '#errors';
import { recordAccess } from '../access/access-log.js';
import { assertPerson, refusalsRecorded } from '../access/people-only.js';
import { readReason } from '../approvals/approval-rules.js';
import type { HoldRoles } from '../ports.js';

const RULE = { code: 'hold_forbidden', kind: 'hold.refused' } as const;

export interface HoldDeskOptions {
  readonly book: HoldBook;
  readonly roles: () => HoldRoles;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly ids: Ids;
  /** A reason is written by a person and enters the open trail. */
  readonly redact: (text: string) => string;
}

export interface PlacedHold {
  readonly hold: Hold;
  /** Drops that had begun before the hold and go on: their records were not kept by it. */
  readonly late: readonly RetentionDrop[];
  /** Erasures that had begun before the hold and go on. */
  readonly erasing: readonly string[];
}

/**
 * Places a hold. The event is durable before the catalogue has it; a crash in between leaves a hold that retention reads from the ledger, and that
 * `affiant catalogue rebuild` brings back.
 * @throws AffiantError hold_forbidden, approval_reason_missing, usage_invalid
 */
export async function placeHold(options: HoldDeskOptions, by: Principal, scope: HoldScope, reason: string): Promise<PlacedHold> {
  const { book, recorder, clock, ids, redact, roles } = options;
  return refusalsRecorded(recorder, RULE, by, { action: 'place', id: null }, async () => {
    assertPerson(by, roles().place, RULE.code, 'place a hold');
    if (Object.values(scope).every((value) => value === null))
      throw new AffiantError('usage_invalid', 'a hold names a time, a session, a principal or a connection');
    if (scope.from !== null && scope.to !== null && scope.from >= scope.to)
      throw new AffiantError('usage_invalid', 'the time of a hold ends before it begins');
    const hold: Hold = {
      id: ids.uuid(),
      state: 'placed',
      scope,
      reason: redact(readReason(reason)),
      placed_by: by,
      placed_at: clock.nowMs(),
      released_by: null,
      released_at: null,
      release_reason: null,
    };
    await recordAccess(recorder, {
      kind: 'hold.placed',
      principal: by,
      outcome: 'success',
      subject: hold.id,
      attributes: { ...told(scope), reason: hold.reason },
    });
    const placed = await book.place(hold);
    if (placed.late.length > 0) {
      const drops = placed.late.map(({ id }) => id).join(' ');
      await recordAccess(recorder, { kind: 'hold.late', principal: by, outcome: 'failure', subject: hold.id, attributes: { drops } });
    }
    if (placed.erasing.length > 0) {
      const erasures = placed.erasing.join(' ');
      await recordAccess(recorder, { kind: 'hold.late', principal: by, outcome: 'failure', subject: hold.id, attributes: { erasures } });
    }
    return placed;
  });
}

/** Another person than the one who placed it ends a hold. The event comes first, as above. @throws AffiantError not_found, conflict, hold_forbidden */
export async function releaseHold(options: HoldDeskOptions, by: Principal, id: string, reason: string): Promise<Hold> {
  const { book, recorder, clock, redact, roles } = options;
  const hold = await book.get(id);
  if (hold === null) throw new AffiantError('not_found', 'there is no such hold');
  return refusalsRecorded(recorder, RULE, by, { action: 'release', id }, async () => {
    assertPerson(by, roles().release, RULE.code, 'release a hold');
    const { issuer, subject } = hold.placed_by;
    if (issuer === by.issuer && subject === by.subject) throw new AffiantError('hold_forbidden', 'who placed a hold does not release it');
    if (hold.state === 'released') throw new AffiantError('conflict', 'the hold is released already');
    const given = redact(readReason(reason));
    await recordAccess(recorder, { kind: 'hold.released', principal: by, outcome: 'success', subject: id, attributes: { reason: given } });
    return book.release(id, by, given, clock.nowMs());
  });
}

function told({ from, to, session, principal, connection }: HoldScope): Record<string, string> {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  const all = { from: time(from), to: time(to), session, principal, connection };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
}
