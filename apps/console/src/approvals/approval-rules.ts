import type { Approval } from '#catalogue';
import type { Principal } from '#events';
import { AffiantError } from '#errors';

export const MAX_REASON_LENGTH = 2000;

const same = (a: Principal, b: Principal): boolean => a.issuer === b.issuer && a.subject === b.subject;

/** What the trail calls the person in a refusal. */
const forbidden = (message: string): never => {
  throw new AffiantError('approval_forbidden', message);
};

/**
 * Who may decide: a person (no workload, no service key, no agent that acts for a person) of the approver group, who is not the requester,
 * does not use the requester's token, and has not decided before.
 * @throws AffiantError approval_forbidden
 */
export function assertMayDecide(approval: Approval, approver: Principal): void {
  const { requester } = approval;
  if (approver.kind !== 'user' || approver.actor !== null) forbidden('only a person, acting in person, may decide');
  if (!approver.groups.includes(approval.approver_group)) forbidden(`only members of ${approval.approver_group} may decide`);
  if (same(approver, requester)) forbidden('the requester may not decide');
  if (requester.actor !== null && approver.issuer === requester.issuer && approver.subject === requester.actor) {
    forbidden('the agent that asked may not decide');
  }
  if (approver.token_digest !== null && approver.token_digest === requester.token_digest) forbidden("the requester's token may not decide");
  if (approval.votes.some((vote) => same(vote.approver, approver))) forbidden('each approver decides once');
}

/** @throws AffiantError conflict when it is decided, or nobody decided in time. */
export function assertOpen(approval: Approval, nowMs: number): void {
  if (approval.state !== 'pending') throw new AffiantError('conflict', `the approval is ${approval.state} already`);
  if (nowMs >= approval.expires_at) throw new AffiantError('conflict', 'the approval has expired');
}

/** The reason, trimmed. @throws AffiantError approval_reason_missing */
export function readReason(reason: string): string {
  const trimmed = reason.trim();
  if (trimmed === '') throw new AffiantError('approval_reason_missing', 'a decision needs a reason');
  if (trimmed.length > MAX_REASON_LENGTH) throw new AffiantError('usage_invalid', `a reason has at most ${MAX_REASON_LENGTH} characters`);
  return trimmed;
}

/** Pending approvals are shown to those who may decide them, to readers of the ledger, and to who asked. */
export function maySee(approval: Approval, principal: Principal): boolean {
  return principal.groups.includes(approval.approver_group) || same(approval.requester, principal);
}
