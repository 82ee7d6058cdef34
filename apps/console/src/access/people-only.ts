import { AffiantError, isAffiantError, type ErrorCode } from '#errors';
import type { EventRecorder, Principal } from '#events';
import { recordAccess, type AccessRecord } from './access-log.js';

/** An act that only named people may do, and whose refusals are evidence. */
export interface PeopleOnly {
  /** Code of a refusal, e.g. hold_forbidden. */
  readonly code: ErrorCode;
  /** Kind of the control event that a refusal leaves, e.g. hold.refused. */
  readonly kind: AccessRecord['kind'];
}

/** @throws AffiantError `code` for a machine, an agent that acts for somebody, or a member of none of the groups; `what`: the act, e.g. `release a hold` */
export function assertPerson({ kind, actor, groups }: Principal, allowed: readonly string[], code: ErrorCode, what: string): void {
  if (kind !== 'user' || actor !== null) throw new AffiantError(code, `only a person, acting in person, may ${what}`);
  if (!groups.some((group) => allowed.includes(group)))
    throw new AffiantError(code, `only members of the groups that the configuration names may ${what}`);
}

/** Runs `work`; a refusal with the code of `rule` is recorded before it is thrown on. */
export async function refusalsRecorded<T>(
  recorder: EventRecorder,
  { code, kind }: PeopleOnly,
  by: Principal,
  act: { readonly action: string; readonly id: string | null },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAffiantError(error) && error.code === code) {
      const attributes = { action: act.action, code, reason: error.message };
      await recordAccess(recorder, { kind, principal: by, outcome: 'failure', subject: act.id, attributes });
    }
    throw error;
  }
}
