import type { Approval, ApprovalBook, ApprovalDesk } from '#catalogue';
import type { Clock, EventDraft, EventRecorder, Principal } from '#events';
import { AffiantError, isAffiantError } from '#errors';
import type { PolicySet } from '#policy';
import { recordAccess } from '../access/access-log.js';
import { assertMayDecide, assertOpen, readReason } from './approval-rules.js';

export interface ApprovalDeskOptions {
  readonly book: ApprovalBook;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** Names the version beside the digest the approval was opened under. */
  readonly policy: () => Pick<PolicySet, 'version' | 'digest'>;
  /** A reason is written by a person and enters the open trail. */
  readonly redact: (text: string) => string;
}

/** The desk at which people decide (docs/guide/approve-a-call.md). Votes on one approval are taken one after the other. */
export function createApprovalDesk(options: ApprovalDeskOptions): ApprovalDesk {
  const queues = new Map<string, Promise<unknown>>();
  return {
    async vote(id, approver, verdict, reason) {
      const before = queues.get(id) ?? Promise.resolve();
      const mine = before.then(() => decide(options, id, approver, verdict, reason));
      const settled = mine.catch(() => undefined);
      queues.set(id, settled);
      try {
        return await mine;
      } finally {
        if (queues.get(id) === settled) queues.delete(id);
      }
    },
  };
}

async function decide(
  options: ApprovalDeskOptions,
  id: string,
  approver: Principal,
  verdict: 'approve' | 'deny',
  reason: string,
): Promise<Approval> {
  const approval = await options.book.get(id);
  if (approval === null) throw new AffiantError('not_found', 'there is no such approval');
  try {
    assertMayDecide(approval, approver);
    const given = options.redact(readReason(reason));
    assertOpen(approval, options.clock.nowMs());
    await options.recorder.record([decisionDraft(options, approval, approver, verdict, given)]);
    // A crash here leaves the event without the vote: the hold goes on waiting, and the rebuild of the book from the event log applies it.
    return await options.book.addVote(id, { approver, verdict, reason: given, at: options.clock.nowMs() });
  } catch (error) {
    if (isAffiantError(error) && !error.code.startsWith('journal_')) await recordRefusal(options, approval, approver, verdict, error);
    throw error;
  }
}

function decisionDraft(
  { policy }: ApprovalDeskOptions,
  approval: Approval,
  approver: Principal,
  verdict: 'approve' | 'deny',
  reason: string,
): EventDraft {
  const granted = approval.votes.filter((vote) => vote.verdict === 'approve').length + (verdict === 'approve' ? 1 : 0);
  const current = policy();
  const answered = granted >= approval.quorum ? 'allow' : 'hold';
  return {
    type: 'decision',
    context: {
      session_id: approval.session_id,
      exchange_id: approval.exchange_id,
      principal: approval.requester,
      connection: approval.connection,
    },
    event: {
      kind: verdict === 'approve' ? 'approval_granted' : 'approval_denied',
      phase: approval.phase,
      verdict: verdict === 'deny' ? 'block' : answered,
      rules: [{ policy: approval.policy, action: 'hold', reason: approval.reason }],
      policy_version: current.digest === approval.policy_digest ? current.version : '',
      policy_digest: approval.policy_digest,
      subject_digest: approval.subject_digest,
      approval: {
        approval_id: approval.id,
        approver_group: approval.approver_group,
        quorum: approval.quorum,
        granted,
        expires_at: approval.expires_at * 1000,
        decided_by: approver,
        reason,
      },
    },
  };
}

async function recordRefusal(
  { recorder }: ApprovalDeskOptions,
  approval: Approval,
  approver: Principal,
  verdict: 'approve' | 'deny',
  error: AffiantError,
): Promise<void> {
  await recordAccess(recorder, {
    kind: 'approval.refused',
    principal: approver,
    outcome: 'failure',
    subject: approval.id,
    session_id: approval.session_id,
    exchange_id: approval.exchange_id,
    attributes: { verdict, code: error.code, reason: error.message },
  });
}
