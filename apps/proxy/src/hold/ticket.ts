import type { Approval, NewApproval } from '#catalogue';
import type { ApprovalStep, EventContext } from '#events';
import type { Verdict } from '#policy';

export type TicketDecision =
  | { readonly kind: 'granted' }
  | { readonly kind: 'denied'; readonly approvalId: string; readonly reason: string }
  | { readonly kind: 'expired'; readonly approvalId: string };

/** What waits for people: one approval per approver group that policy names. All must grant; one denial is enough. */
export class Ticket {
  settled: TicketDecision | null = null;
  /** A session-title twin shares the decision, once. */
  shared = false;
  readonly decision: Promise<TicketDecision>;
  #settle: (decision: TicketDecision) => void = () => undefined;

  constructor(
    readonly context: EventContext,
    readonly phase: 'request' | 'response',
    readonly verdict: Verdict,
    /** Hex keyed digest of what is approved. */
    readonly subjectDigest: string,
    readonly policy: { readonly version: string; readonly digest: string },
    readonly approvals: readonly NewApproval[],
  ) {
    this.decision = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get ids(): string[] {
    return this.approvals.map(({ id }) => id);
  }

  /** The approval a decision event of a single call names: the first group's. */
  get first(): NewApproval {
    return this.approvals[0] as NewApproval;
  }

  settle(decision: TicketDecision): void {
    if (this.settled !== null) return;
    this.settled = decision;
    this.#settle(decision);
  }
}

export function approvalStep(approval: NewApproval | Approval, granted = 0): ApprovalStep {
  return {
    approval_id: approval.id,
    approver_group: approval.approver_group,
    quorum: approval.quorum,
    granted,
    expires_at: approval.expires_at * 1000,
    decided_by: null,
    reason: null,
  };
}
