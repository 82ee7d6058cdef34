import { createHmac } from 'node:crypto';
import { AffiantError, isAffiantError } from '#errors';
import type { Approval, ApprovalBook, NewApproval } from '#catalogue';
import type { Clock, EventContext, EventDraft, Ids } from '#events';
import type { Logger } from '#observability';
import type { Verdict } from '#policy';
import type { Call } from '../call.js';
import { namedSession } from '../inspect/day-session.js';
import { decisionDraft } from '../record/drafts.js';
import type { Evidence } from '../record/evidence.js';
import { watchTicket } from './watch-ticket.js';
import { approvalStep, Ticket } from './ticket.js';

/** What an approver is asked about. */
export interface Subject {
  readonly phase: 'request' | 'response';
  readonly verdict: Verdict;
  /** Hex keyed digest. */
  readonly digest: string;
  /** Masked. */
  readonly summary: string;
}

export interface TicketPorts {
  readonly book: ApprovalBook;
  readonly evidence: Evidence;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly digestKey: Buffer;
  /** Milliseconds. */
  readonly retryWindow: number;
}

const LISTED = 500;

/** Opens, finds again, releases and expires what waits for people. Every change is recorded before the book changes. */
export class Tickets {
  constructor(readonly ports: TicketPorts) {}

  /** Keyed digest of what is approved, so that the open trail gives no dictionary to guess from. */
  subjectDigest(digest: Buffer): string {
    return createHmac('sha256', this.ports.digestKey).update(digest).digest('hex');
  }

  /** A ticket and the events that ask for it, to be recorded with the verdict. Nobody sees it before `open()`. @throws AffiantError policy_failed */
  prepare(call: Call, subject: Subject): { readonly ticket: Ticket; readonly drafts: readonly EventDraft[] } {
    const now = this.ports.clock.nowMs();
    const approvals = approverGroups(subject.verdict).map(({ group, quorum, expires, policy, reason }): NewApproval => ({
      id: this.ports.ids.uuid(),
      exchange_id: call.id,
      session_id: call.context.session_id,
      connection: call.connection.name,
      requester: call.credential.principal,
      phase: subject.phase,
      policy,
      policy_digest: call.policy.set.digest,
      reason,
      summary: subject.summary,
      subject_digest: subject.digest,
      approver_group: group,
      quorum,
      created_at: now,
      expires_at: now + expires,
    }));
    const ticket = new Ticket(call.context, subject.phase, subject.verdict, subject.digest, call.policy.set, approvals);
    return { ticket, drafts: approvals.map((approval) => this.#draft(ticket, 'approval_requested', approval, call.context)) };
  }

  /** Puts the approvals in the book and watches them. The approval_requested events must be durable. @throws AffiantError catalogue_failed */
  async open(ticket: Ticket): Promise<void> {
    for (const approval of ticket.approvals) await this.ports.book.open(approval);
    this.#watch(ticket);
  }

  /**
   * The ticket an earlier process, or another one, opened for the same call and that is still good: pending, granted and not used,
   * or denied a short while ago.
   */
  async adopt(call: Call, subject: Subject): Promise<Ticket | null> {
    const { book, clock, retryWindow } = this.ports;
    const { principal } = call.credential;
    const since = clock.nowMs() - retryWindow;
    const lists = await Promise.all((['pending', 'granted', 'denied'] as const).map((state) => book.list({ state, limit: LISTED })));
    const fitting = lists
      .flat()
      .filter(
        (one) =>
          one.phase === 'request' &&
          subject.phase === 'request' &&
          one.subject_digest === subject.digest &&
          one.policy_digest === call.policy.set.digest &&
          one.connection === call.connection.name &&
          namedSession(one.session_id) === namedSession(call.context.session_id) &&
          one.requester.issuer === principal.issuer &&
          one.requester.subject === principal.subject &&
          (one.state === 'pending' ? one.expires_at > clock.nowMs() : (one.decided_at ?? 0) > since),
      );
    const exchange = fitting[0]?.exchange_id;
    const same = fitting.filter((one) => one.exchange_id === exchange);
    const groups = approverGroups(subject.verdict).map(({ group }) => group);
    if (same.length === 0 || !groups.every((group) => same.some((one) => one.approver_group === group))) return null;
    const context: EventContext = { ...call.context, exchange_id: exchange ?? null };
    const ticket = new Ticket(context, 'request', subject.verdict, subject.digest, call.policy.set, same);
    this.#watch(ticket);
    return ticket;
  }

  /**
   * Takes the one forward of a granted ticket, then records it. False when somebody took it before.
   * A crash between the two leaves a released approval that nobody used: the call was not forwarded and must be asked again.
   * @throws AffiantError journal_full | journal_failed | catalogue_failed
   */
  async release(ticket: Ticket, call: Call): Promise<boolean> {
    for (const id of ticket.ids) if (!(await this.ports.book.release(id))) return false;
    const drafts = ticket.approvals.map((approval) => this.#draft(ticket, 'approval_released', approval, call.context, approval.quorum));
    await this.ports.evidence.commit(drafts);
    return true;
  }

  /** Ends approvals nobody decided or used in time. */
  async expire(ticket: Ticket, approvals: readonly NewApproval[] = ticket.approvals): Promise<void> {
    await this.ports.evidence.commit(approvals.map((approval) => this.#draft(ticket, 'approval_expired', approval, ticket.context)));
    for (const { id } of approvals) {
      await this.ports.book.expire(id).catch((error: unknown) => {
        if (!isAffiantError(error) || error.code !== 'conflict') throw error;
      });
    }
  }

  orphanDrafts(ticket: Ticket, context: EventContext): EventDraft[] {
    return ticket.approvals.map((approval) => this.#draft(ticket, 'approval_orphaned', approval, context));
  }

  async setOrphaned(ticket: Ticket, orphaned: boolean): Promise<void> {
    for (const id of ticket.ids) {
      await this.ports.book.setOrphaned(id, orphaned).catch((error: unknown) => {
        this.ports.logger.warn({ approval: id, err: (error as Error).message }, 'the approval could not be marked');
      });
    }
  }

  /** Expires what a stopped process left pending. */
  async sweep(): Promise<void> {
    const now = this.ports.clock.nowMs();
    for (const approval of await this.ports.book.list({ state: 'pending', limit: LISTED })) {
      if (approval.expires_at > now) continue;
      await this.expire(ticketOf(approval));
    }
  }

  #watch(ticket: Ticket): void {
    watchTicket(ticket, this.ports, (overdue) => this.expire(ticket, overdue));
  }

  #draft(
    ticket: Ticket,
    kind: 'approval_requested' | 'approval_released' | 'approval_expired' | 'approval_orphaned',
    approval: NewApproval,
    context: EventContext,
    granted = 0,
  ): EventDraft {
    return decisionDraft(context, {
      kind,
      phase: ticket.phase,
      verdict: ticket.verdict,
      policy: ticket.policy,
      subjectDigest: ticket.subjectDigest,
      approval: approvalStep(approval, granted),
    });
  }
}

interface ApproverGroup {
  readonly group: string;
  readonly quorum: number;
  readonly expires: number;
  readonly policy: string;
  readonly reason: string;
}

/** One entry per approver group of the rules that hold: the largest quorum and the shortest time any of them asks. @throws AffiantError policy_failed */
export function approverGroups(verdict: Verdict): ApproverGroup[] {
  const groups = new Map<string, ApproverGroup>();
  for (const { action, approvers, policy, reason } of verdict.rules) {
    if (action !== 'hold') continue;
    if (approvers === undefined) throw new AffiantError('policy_failed', `policy ${policy} holds but names no approvers`);
    const before = groups.get(approvers.group);
    groups.set(approvers.group, {
      group: approvers.group,
      quorum: Math.max(before?.quorum ?? 1, approvers.quorum),
      expires: Math.min(before?.expires ?? approvers.expires, approvers.expires),
      policy: before?.policy ?? policy,
      reason: before === undefined ? reason : `${before.reason}; ${reason}`,
    });
  }
  if (groups.size === 0) throw new AffiantError('policy_failed', 'a held call has no rule that names approvers');
  return [...groups.values()];
}

function ticketOf(approval: Approval): Ticket {
  const context: EventContext = {
    session_id: approval.session_id,
    exchange_id: approval.exchange_id,
    principal: approval.requester,
    connection: approval.connection,
  };
  const rule = { policy: approval.policy, action: 'hold' as const, reason: approval.reason };
  const policy = { version: '', digest: approval.policy_digest };
  return new Ticket(context, approval.phase, { action: 'hold', rules: [rule] }, approval.subject_digest, policy, [approval]);
}
