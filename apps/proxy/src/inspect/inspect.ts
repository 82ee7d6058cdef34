import { createHash } from 'node:crypto';
import type { EventContext, Principal } from '#events';
import type { Call, Caller } from '../call.js';
import { extended } from '../extended.js';
import type { ReceivedBody } from '../intake/read-body.js';
import type { ScreenedRequest } from '../protocols/protocol.js';
import { daySession, namedSession } from './day-session.js';
import type { PolicyInForce } from './policy-in-force.js';

const SESSION_LENGTH = 200;

/**
 * Reads what the call says and lets policy judge it.
 * @throws AffiantError body_invalid | detector_failed | policy_failed
 */
export async function inspect(caller: Caller, body: ReceivedBody, policy: PolicyInForce, nowMs: number): Promise<Call> {
  const screened = caller.route.hasBody
    ? await caller.protocol.screenRequest(
        body.bytes,
        caller.route,
        extended(policy.screening, { connection: caller.connection }),
        body.known,
      )
    : screenBodiless(caller, policy);
  const session = sessionOf(caller, screened);
  const context = contextOf(caller, session, nowMs);
  const { principal } = caller.credential;
  const segmentScope = session === null ? null : scopeOf(principal, caller.connection.name, session);
  return extended(caller, { body, screened, policy, context, segmentScope });
}

/** Who calls what in which session, as events tell it. @param session what sessionOf gave */
export function contextOf(caller: Caller, session: string | null, nowMs: number): EventContext {
  const { name: connection } = caller.connection;
  const { principal } = caller.credential;
  return { session_id: session ?? daySession(principal, connection, nowMs), exchange_id: caller.id, principal, connection };
}

/** Session the client names in its headers, else in its body; null when it names none. Correlation only. */
export function sessionOf(caller: Caller, screened: ScreenedRequest | null): string | null {
  const named = namedSession(caller.protocol.sessionOf(caller.request.headers)) ?? namedSession(screened?.sessionHint ?? null);
  return named?.slice(0, SESSION_LENGTH) ?? null;
}

/** The session id is the client's word: the principal is part of the scope, so nobody rides on another's segments. */
function scopeOf(principal: Principal, connection: string, session: string): string {
  return `${principal.issuer}\n${principal.subject}\n${connection}\n${session}`;
}

function screenBodiless(caller: Caller, policy: PolicyInForce): ScreenedRequest {
  return {
    model: null,
    stream: false,
    tools: [],
    sessionHint: null,
    verdict: policy.selected.evaluateRequest({ model: null, tools: [] }),
    masked: [],
    pieces: [],
    masks: [],
    callDigest: createHash('sha256').update(`${caller.request.method} ${caller.target.path}${caller.target.query}`).digest(),
    promptDigest: null,
    heldPieces: [],
    brought: null,
    conversation: null,
    summary: `${caller.request.method} ${caller.target.path}`,
  };
}
