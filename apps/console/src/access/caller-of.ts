import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AffiantError, isAffiantError } from '#errors';
import type { Credential } from '#identity';
import type { ConsolePorts } from '../ports.js';
import { recordAccess } from './access-log.js';

/** Not evidence of anything but a lost client or an unreachable issuer, and free of charge for whoever would flood the journal. */
const UNRECORDED = new Set(['token_missing', 'auth_throttled', 'issuer_unavailable']);

/**
 * Who calls; a refused credential leaves an `identity.refused` event before the refusal is answered.
 * @throws AffiantError the codes of Identity
 */
export async function callerOf(ports: Pick<ConsolePorts, 'identity' | 'recorder'>, request: IncomingMessage): Promise<Credential> {
  const remote = request.socket.remoteAddress ?? '';
  try {
    return await ports.identity.identify(withClickHouseKey(request.headers), remote);
  } catch (error) {
    if (isAffiantError(error) && !UNRECORDED.has(error.code)) {
      await recordAccess(ports.recorder, {
        kind: 'identity.refused',
        principal: null,
        outcome: 'failure',
        attributes: { code: error.code, reason: error.message, remote, at: 'console' },
      });
    }
    throw error;
  }
}

/** ClickHouse clients may send the password as X-ClickHouse-Key; for us it is one more way to send the token. @throws AffiantError token_conflict */
function withClickHouseKey(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const key = headers['x-clickhouse-key'];
  if (typeof key !== 'string' || key.trim() === '') return headers;
  const apiKey = headers['x-api-key'];
  if (apiKey !== undefined && apiKey !== key) {
    throw new AffiantError('token_conflict', 'X-ClickHouse-Key and x-api-key carry different credentials');
  }
  return { ...headers, 'x-api-key': key };
}
