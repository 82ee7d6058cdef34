import { AffiantError, toAffiantError } from '#errors';
import type { Identity } from '#identity';
import { turns } from '#wire';
import type { Arrival, Call, Caller } from './call.js';
import { state, stateUnread } from './decide/decide.js';
import { deliver, reasonsOf } from './forward/deliver.js';
import { holdAnswer, holdNew, joinHeld, rememberBlocked } from './hold/join.js';
import { admit, findRoute, identify, isAdmitted } from './identify/identify.js';
import { contextOf, inspect, sessionOf } from './inspect/inspect.js';
import { follow, remember } from './inspect/known-conversation.js';
import { ClientGone, discardBody, NO_BODY, readBody, unreadBody, type ReceivedBody } from './intake/read-body.js';
import { refusalOf, sendWhole } from './intake/refuse.js';
import { conclude } from './record/conclude.js';
import { gatewayVerdict } from './record/drafts.js';
import type { Services } from './services.js';

/**
 * One exchange, from its headers to the durable response event: intake, identify, inspect, decide, hold, forward.
 * Never throws; a call that becomes no exchange is refused with nothing recorded but a counted refusal.
 */
export async function serve(arrival: Arrival, identity: Identity, services: Services): Promise<void> {
  let caller: Caller;
  try {
    const credential = await identify(arrival, identity, services.tally);
    caller = findRoute(arrival, credential, services.connections, services.tally);
  } catch (cause) {
    await refuse(arrival, cause, services);
    return;
  }
  try {
    await serveCaller(caller, services);
  } catch (cause) {
    await refuse(caller, cause, services);
  }
}

/** Bodies up to this are worked on in one turn; beside such calls large bodies go in smaller pieces. */
const SMALL_BYTES = 64 * 1024;

/** @returns what tells that nobody waits for this call's turns any more. */
function beginTurns({ request: { headers } }: Arrival): () => void {
  // What comes in chunks is of any size.
  const length = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity;
  return length <= SMALL_BYTES ? turns.small() : () => undefined;
}

/** @throws AffiantError when nothing was recorded; ClientGone */
async function serveCaller(caller: Caller, services: Services): Promise<void> {
  let body = unreadBody(caller.request);
  const ended = beginTurns(caller);
  try {
    let call: Call;
    try {
      body = await receive(caller, services);
      admit(caller);
      const policy = services.policies.for(caller.credential.principal, caller.connection.name);
      call = await inspect(caller, body, policy, services.clock.nowMs());
    } catch (cause) {
      if (cause instanceof ClientGone) throw cause;
      return await refuseUnread(caller, body, cause, services);
    }
    await serveCall(call, services, ended).catch(async (cause: unknown) => {
      if (!caller.progress.owesResponse) throw cause;
      await refuseStated(call, toAffiantError(cause, 'internal', 'the call could not be served'), services);
    });
  } finally {
    ended();
    services.bodies.give(body.held);
  }
}

/** @param parked called when people decide: that may take hours, and nobody need hurry beside it. @throws AffiantError when nothing was recorded */
async function serveCall(call: Call, services: Services, parked: () => void): Promise<void> {
  const { flights } = services;
  const verdict = services.granted.relaxed(call) ?? call.screened.verdict;
  if (verdict.action === 'block') return refuseBlocked(call, services);
  const endLate = (why: AffiantError): void => void endUnserved(call, why, services);
  const held = flights.find(call);
  if (held !== null || verdict.action === 'hold') parked();
  if (held !== null) return joinHeld(call, held, services, endLate);
  if (verdict.action === 'hold') return holdNew(call, services, endLate);
  await state(call, { verdict, joins: flights.failedBefore(call), subjectDigest: null }, services, endLate);
  remember(call, services);
  const delivery = await deliver(call, services);
  if (delivery.kind === 'held') {
    parked();
    await holdAnswer(call, delivery, services);
  } else if (delivery.kind === 'blocked') rememberBlocked(call, delivery.error, services);
  else if (delivery.retryable) flights.noteFailed(call);
}

async function refuseBlocked(call: Call, services: Services): Promise<void> {
  const { verdict } = call.screened;
  const error = new AffiantError('policy_blocked', `blocked by policy: ${reasonsOf(verdict)}`);
  await state(call, { verdict, joins: null, subjectDigest: null }, services, (why) => void endUnserved(call, why, services));
  await refuseStated(call, error, services);
}

/** A call policy never read (denied connection, bad body): recorded by digest, then refused. @throws AffiantError when that failed */
async function refuseUnread(caller: Caller, body: ReceivedBody, cause: unknown, services: Services): Promise<void> {
  const error = toAffiantError(cause, 'internal', 'the call could not be read');
  const context = contextOf(caller, sessionOf(caller, null), services.clock.nowMs());
  const exchange = { ...caller, context, segmentScope: null };
  const verdict = gatewayVerdict(`${error.code}: ${error.message}`);
  await stateUnread(caller, context, body, verdict, services, (why) => void endUnserved(exchange, why, services));
  await refuseStated(exchange, error, services);
}

async function refuseStated(exchange: Parameters<typeof conclude>[0], error: AffiantError, services: Services): Promise<void> {
  const whole = refusalOf(exchange.protocol, error, exchange.id);
  const ending = { outcome: 'refused', status: whole.status, sent: [whole.body], pending: whole.body.length, error } as const;
  await conclude(exchange, ending, services, () => sendWhole(exchange.link, whole));
}

/** The request event is durable, and its call was refused all the same: too late, or not where the connection demands it. */
async function endUnserved(exchange: Parameters<typeof conclude>[0], error: AffiantError, services: Services): Promise<void> {
  await conclude(exchange, { outcome: 'refused', status: error.status, sent: [], pending: 0, error }, services, () => undefined);
}

/** Reads the body; of a caller the connection does not admit only its digest. */
async function receive(caller: Caller, services: Services): Promise<ReceivedBody> {
  const { headers } = caller.request;
  if (!caller.route.hasBody) {
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
      throw new AffiantError('body_invalid', `${caller.request.method} ${caller.target.path} takes no body`);
    }
    return NO_BODY;
  }
  return readBody(caller.request, {
    limit: services.bodyLimit,
    digestKey: services.digestKey,
    budget: services.bodies,
    keep: isAdmitted(caller),
    follower: isAdmitted(caller) ? follow(caller, services) : null,
  });
}

/** Refuses a call of which nothing is recorded. Never throws. */
export async function refuse(arrival: Arrival, cause: unknown, services: Services): Promise<void> {
  if (cause instanceof ClientGone) return;
  const error = toAffiantError(cause, 'internal', 'the call could not be served');
  if (error.code === 'internal') services.logger.error({ exchange: arrival.id, err: (cause as Error).message }, 'call refused');
  services.hooks.refused?.(error.code);
  if (arrival.link.opened) return arrival.link.cut();
  await discardBody(arrival.request, services.bodyLimit).catch(() => undefined);
  sendWhole(arrival.link, refusalOf(services.connections.protocolFor(arrival.target.connection), error, arrival.id));
}
