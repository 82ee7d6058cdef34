import { AffiantError, toAffiantError } from '#errors';
import type { Verdict } from '#policy';
import type { Call } from '../call.js';
import { state, type Stated } from '../decide/decide.js';
import type { Delivery } from '../forward/deliver.js';
import type { Services } from '../services.js';
import { driveAnswer, driveRequest } from './drive.js';
import type { HeldCall } from './held-call.js';
import { Refused } from './refused.js';
import { showHeld } from './show.js';
import { approvalStep, type Ticket } from './ticket.js';
import type { Subject } from './tickets.js';

/** Ends an exchange whose request event became durable after its client was refused. */
export type EndLate = (why: AffiantError) => void;

/** Holds a new call for people, or joins it to the ticket an earlier process opened for it. @throws AffiantError when nothing was stated */
export async function holdNew(call: Call, services: Services, endLate: EndLate): Promise<void> {
  const digest = services.tickets.subjectDigest(call.screened.callDigest);
  const subject: Subject = { phase: 'request', verdict: call.screened.verdict, digest, summary: call.screened.summary };
  const leader = services.flights.findTwin(call);
  // Claimed before the first await: a twin that comes meanwhile finds this call.
  const held = services.flights.claim(call);
  try {
    const ticket = (leader === null ? null : await twinTicket(call, leader)) ?? (await openTicket(call, subject, services, endLate));
    if (ticket.shared && leader !== null && leader.lastTicket === ticket) {
      held.twin = true;
      await state(call, joining(call, ticket, leader.leader, subject.verdict), services, endLate);
    }
    held.hold(ticket);
    held.markOpen();
  } catch (error) {
    held.failOpen(error as Error);
    services.flights.remove(held);
    throw error;
  }
  void driveRequest(held, services);
  await showHeld(call, held, services);
}

/** Joins an exchange to a held call: the same decision, the same answer, no second forward. @throws AffiantError when nothing was stated */
export async function joinHeld(call: Call, held: HeldCall, services: Services, endLate: EndLate): Promise<void> {
  await held.opened.catch((error: unknown) => {
    throw error instanceof Refused ? error.error : toAffiantError(error, 'internal', 'the held call this one joins failed');
  });
  const ticket = held.lastTicket;
  const { terminal } = held;
  const reason = `joins exchange ${held.leader}`;
  if (terminal?.kind === 'refused' || ticket === null) {
    const refusal = terminal?.kind === 'refused' ? `: ${terminal.error.message}` : '';
    const policy = ticket?.first.policy ?? 'affiant:gateway';
    const verdict: Verdict = { action: 'block', rules: [{ policy, action: 'block', reason: reason + refusal }] };
    await state(
      call,
      { verdict, joins: held.leader, subjectDigest: null, approval: ticket === null ? undefined : approvalStep(ticket.first) },
      services,
      endLate,
    );
  } else {
    await state(call, joining(call, ticket, held.leader, { action: 'hold', rules: ticket.verdict.rules }), services, endLate);
    if (!ticket.settled) await services.tickets.setOrphaned(ticket, false);
  }
  await showHeld(call, held, services);
}

/** Goes on with a call whose answer was stopped at a part policy holds. Its bytes up to there were sent. */
export async function holdAnswer(call: Call, stopped: Extract<Delivery, { kind: 'held' }>, services: Services): Promise<void> {
  const held = services.flights.claim(call);
  held.owner = call.id;
  held.answer = stopped.answer;
  held.streams = call.screened.stream;
  void driveAnswer(held, call, stopped, services);
  await showHeld(call, held, services, stopped.answer.sent);
}

/** Remembers that policy blocked the answer of a stream: its client asks again at once, without streaming. */
export function rememberBlocked(call: Call, error: AffiantError, services: Services): void {
  const held = services.flights.claim(call);
  held.markOpen();
  held.settle({ kind: 'refused', error, outcome: 'refused' }, services.clock.nowMs());
}

async function openTicket(call: Call, subject: Subject, services: Services, endLate: EndLate): Promise<Ticket> {
  const earlier = await services.tickets.adopt(call, subject);
  if (earlier !== null) {
    await state(call, joining(call, earlier, earlier.context.exchange_id ?? '', subject.verdict), services, endLate);
    await services.tickets.setOrphaned(earlier, false);
    return earlier;
  }
  const { ticket, drafts } = services.tickets.prepare(call, subject);
  const stated: Stated = {
    verdict: subject.verdict,
    joins: services.flights.failedBefore(call),
    subjectDigest: subject.digest,
    approval: approvalStep(ticket.first),
    together: drafts,
  };
  await state(call, stated, services, endLate);
  // A crash before this line leaves approval_requested events without rows; the rebuild from the log opens them, and they expire.
  await services.tickets.open(ticket);
  return ticket;
}

/**
 * The pending ticket of the same prompt, when this call is its session-title twin: exactly one of the two offers no tools, and the
 * same policies hold both. One twin per ticket (docs/adr).
 */
async function twinTicket(call: Call, leader: HeldCall): Promise<Ticket | null> {
  await leader.opened.catch(() => undefined);
  const ticket = leader.ticket;
  if (ticket === null || ticket.shared || leader.twin || ticket.phase !== 'request') return null;
  const other = [...leader.viewers][0]?.call.screened;
  if (other === undefined || (other.tools.length === 0) === (call.screened.tools.length === 0)) return null;
  const held = new Set(ticket.verdict.rules.map(({ policy }) => policy));
  if (!call.screened.verdict.rules.every(({ policy, action }) => action !== 'hold' || held.has(policy))) return null;
  ticket.shared = true;
  return ticket;
}

function joining(call: Call, ticket: Ticket, leader: string, verdict: Verdict): Stated {
  const note = { policy: ticket.first.policy, action: 'hold' as const, reason: `joins exchange ${leader}` };
  return {
    verdict: { action: 'hold', rules: [...verdict.rules, note] },
    joins: leader === call.id || leader === '' ? null : leader,
    subjectDigest: ticket.subjectDigest,
    approval: approvalStep(ticket.first),
  };
}
