import { AffiantError, isAffiantError } from '#errors';
import { decisionDraft } from '../record/drafts.js';
import type { HeldPart } from '../protocols/protocol.js';
import type { Services } from '../services.js';
import type { HeldCall, Viewer } from './held-call.js';
import { recheck } from './recheck.js';
import { Refused } from './refused.js';
import { approvalStep, type Ticket } from './ticket.js';

/**
 * Waits until the held call's ticket is decided, then releases it for an exchange that is there to see it: one approval, one forward.
 * An approval nobody came back for within the retry window expires.
 * @throws Refused
 */
export async function approve(held: HeldCall, part: HeldPart | null, services: Services): Promise<Viewer> {
  const ticket = held.ticket as Ticket;
  const decision = await ticket.decision;
  if (decision.kind === 'denied') {
    const why = decision.reason === '' ? '' : `: ${decision.reason}`;
    throw new Refused(
      new AffiantError('approval_denied', `an approver denied this call${why} (approval ${decision.approvalId})`),
      'denied',
    );
  }
  if (decision.kind === 'expired') throw expired(decision.approvalId);
  const lapsesAt = services.clock.nowMs() + held.retryWindow;
  for (;;) {
    // The answer broke off while people decided: there is nothing to release any more.
    if (held.terminal !== null) throw expired(ticket.first.id);
    const viewer = await held.present(lapsesAt - services.clock.nowMs());
    if (viewer === null) {
      if (!held.twin) await services.tickets.expire(ticket);
      throw expired(ticket.first.id);
    }
    if (await released(held, ticket, part, viewer, services)) return viewer;
  }
}

/** False when only this exchange may not have it: another may come. @throws Refused */
async function released(held: HeldCall, ticket: Ticket, part: HeldPart | null, viewer: Viewer, services: Services): Promise<boolean> {
  try {
    await recheck(viewer.call, ticket, part, held.twin, services);
    if (viewer.call.link.gone) {
      held.leave(viewer);
      return false;
    }
    if (held.twin) await recordTwin(ticket, viewer, services);
    else if (!(await services.tickets.release(ticket, viewer.call))) {
      throw new AffiantError('conflict', `approval ${ticket.first.id} was used for another forward already`);
    }
    if (part === null) services.granted.remember(viewer.call, ticket);
    return true;
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    if (error.code !== 'token_expired') throw new Refused(error, 'refused');
    held.leave(viewer);
    viewer.refuse(error);
    return false;
  }
}

/** The title twin goes on the decision about the same prompt; its own verdict event names the approval (docs/adr). */
async function recordTwin(ticket: Ticket, { call }: Viewer, services: Services): Promise<void> {
  const reason = `same prompt as exchange ${ticket.context.exchange_id ?? ''}, granted as approval ${ticket.first.id}`;
  const draft = decisionDraft(call.context, {
    kind: 'verdict',
    phase: 'request',
    verdict: { action: 'allow', rules: [{ policy: ticket.first.policy, action: 'allow', reason }] },
    policy: services.policies.set,
    subjectDigest: services.tickets.subjectDigest(call.screened.callDigest),
    approval: approvalStep(ticket.first, ticket.first.quorum),
  });
  await services.evidence.commit([draft]);
}

function expired(approvalId: string): Refused {
  return new Refused(new AffiantError('approval_expired', `nobody approved the call in time (approval ${approvalId})`), 'expired');
}
