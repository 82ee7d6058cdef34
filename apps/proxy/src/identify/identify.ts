import { AffiantError, toAffiantError } from '#errors';
import { matchesPrincipal, type Credential, type Identity } from '#identity';
import type { Arrival, Caller } from '../call.js';
import { extended } from '../extended.js';
import type { Connections } from '../intake/connections.js';
import type { RefusalTally } from '../record/refusal-tally.js';

/**
 * Who calls. A refusal is counted into an identity.refused control event.
 * @throws AffiantError token_missing | token_invalid | token_expired | token_conflict | issuer_unavailable | auth_throttled
 */
export async function identify(arrival: Arrival, identity: Identity, tally: RefusalTally): Promise<Credential> {
  const remote = arrival.request.socket.remoteAddress ?? '';
  try {
    return await identity.identify(arrival.request.headers, remote);
  } catch (cause) {
    const error = toAffiantError(cause, 'internal', 'the caller could not be identified');
    tally.note({ kind: 'identity.refused', code: error.code, reason: error.message, remote, principal: null });
    throw error;
  }
}

/**
 * Finds the connection and what its protocol makes of the path: default deny. A refusal is counted into a path.refused control event.
 * @throws AffiantError connection_unknown | path_denied
 */
export function findRoute(arrival: Arrival, credential: Credential, connections: Connections, tally: RefusalTally): Caller {
  const { target, request } = arrival;
  try {
    const connection = connections.find(target.connection);
    const protocol = connections.protocolOf(connection);
    const route = protocol.route(request.method ?? '', target.path);
    if (route === null || !route.forwards)
      throw new AffiantError('path_denied', `${request.method} ${target.path.slice(0, 200)} is not served`);
    return extended(arrival, { credential, connection, protocol, route });
  } catch (cause) {
    const error = toAffiantError(cause, 'internal', 'the connection could not be found');
    tally.note({
      kind: 'path.refused',
      code: error.code,
      reason: error.message,
      remote: request.socket.remoteAddress ?? '',
      principal: credential.principal,
    });
    throw error;
  }
}

export function isAdmitted({ connection, credential }: Caller): boolean {
  return connection.allow.some((rule) => matchesPrincipal(rule, credential.principal));
}

/** @throws AffiantError connection_denied */
export function admit(caller: Caller): void {
  if (!isAdmitted(caller)) throw new AffiantError('connection_denied', `the principal may not use connection ${caller.connection.name}`);
}
