import { AffiantError } from '#errors';
import type { Verdict } from '#policy';
import type { Call } from '../call.js';
import { admit } from '../identify/identify.js';
import { inspect } from '../inspect/inspect.js';
import type { HeldPart } from '../protocols/protocol.js';
import type { Services } from '../services.js';
import { approverGroups } from './tickets.js';
import type { Ticket } from './ticket.js';

/**
 * Whether a granted ticket still covers the call, at the moment it is released: the token is still good, the connection still
 * admits the principal, the body is the approved one, and the policies in force are not stricter than those approved under.
 * @throws AffiantError token_expired | connection_unknown | connection_denied | policy_blocked | conflict
 */
export async function recheck(call: Call, ticket: Ticket, part: HeldPart | null, twin: boolean, services: Services): Promise<void> {
  if (call.credential.expiresAtMs <= services.clock.nowMs()) {
    throw new AffiantError('token_expired', 'the token expired while the call waited for approval');
  }
  admit({ ...call, connection: services.connections.find(call.connection.name) });
  const changed = services.policies.set.digest !== ticket.policy.digest;
  if (part === null) await recheckRequest(call, ticket, changed, twin, services);
  else if (changed) recheckPart(call, ticket, part, services);
}

async function recheckRequest(call: Call, ticket: Ticket, changed: boolean, twin: boolean, services: Services): Promise<void> {
  let { callDigest } = call.screened;
  if (changed) {
    const policy = services.policies.for(call.credential.principal, call.connection.name);
    const { screened } = await inspect(call, call.body, policy, services.clock.nowMs());
    refuseIfStricter(screened.verdict, ticket);
    callDigest = screened.callDigest;
  }
  if (!twin && services.tickets.subjectDigest(callDigest) !== ticket.subjectDigest) {
    throw new AffiantError('conflict', 'the call is not the one that was approved');
  }
}

/** An approver's summary is cut at this length; then the whole is not here to be judged again. */
const SUMMARY_LENGTH = 4_000;

function recheckPart(call: Call, ticket: Ticket, part: HeldPart, services: Services): void {
  if (part.summary.length >= SUMMARY_LENGTH)
    throw new AffiantError('policy_blocked', 'the policies changed while the call waited: send it again');
  const { selected } = services.policies.for(call.credential.principal, call.connection.name);
  refuseIfStricter(
    part.tool === null ? selected.evaluateResponseText(part.summary) : selected.evaluateToolInput(part.tool, part.summary),
    ticket,
  );
}

function refuseIfStricter(verdict: Verdict, ticket: Ticket): void {
  if (verdict.action === 'block') throw new AffiantError('policy_blocked', 'a policy published while the call waited blocks it');
  if (verdict.action !== 'hold') return;
  const covered = approverGroups(verdict).every(({ group, quorum }) =>
    ticket.approvals.some((approval) => approval.approver_group === group && approval.quorum >= quorum),
  );
  if (!covered) throw new AffiantError('policy_blocked', 'a policy published while the call waited asks for other approvers');
}
