import type { JWTHeaderParameters, JWTPayload } from 'jose';
import { AffiantError } from '#errors';

/** Longest token that is looked at: the largest assertion the known SDKs send is 16 KiB (research/wire.md §1.2). */
export const MAX_TOKEN_LENGTH = 16 * 1024;

/** Header parameters by which a token would bring or point to its own key (RFC 7515 §4.1.2, §4.1.3, §4.1.5, §4.1.6). */
const OWN_KEY_PARAMETERS = ['jwk', 'jku', 'x5u', 'x5c'] as const;

/** RFC 9068 §2.1; `JWT` or nothing is what most issuers still write. */
const ACCEPTED_TYPES = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/** Claims only an OIDC ID token has (OIDC Core §2, §3.3.2.11). */
const ID_TOKEN_CLAIMS = ['at_hash', 'c_hash', 's_hash'] as const;

const MAX_SUBJECT_LENGTH = 512;

const invalid = (message: string): AffiantError => new AffiantError('token_invalid', message);

/**
 * What the header must say before any key is looked up: RFC 8725 §3.1 (algorithm), §3.5, §3.10 (no keys from the token), §3.11 (type).
 * @throws AffiantError token_invalid
 */
export function assertHeader(header: JWTHeaderParameters, algorithms: readonly string[]): void {
  if (typeof header.alg !== 'string' || !algorithms.includes(header.alg)) throw invalid('the algorithm is not one this issuer may use');
  if (typeof header.kid !== 'string' || header.kid === '' || header.kid.length > 256) throw invalid('the token names no key (kid)');
  for (const name of OWN_KEY_PARAMETERS) if (header[name] !== undefined) throw invalid('the token brings its own key');
  if (header.crit !== undefined) throw invalid('the token has critical extensions');
  if (header['enc'] !== undefined || header['zip'] !== undefined) throw invalid('the token is encrypted or compressed');
  if (header.typ !== undefined && (typeof header.typ !== 'string' || !ACCEPTED_TYPES.has(header.typ.toLowerCase()))) {
    throw invalid('the token is of another type than an access token');
  }
}

/**
 * What the verified claims must say beside issuer, audience and times: one audience, a subject, and an access token, not an ID,
 * refresh or logout token (RFC 8725 §3.12). Several audiences pass only when `azp` is ourselves: any other of them could replay the token to us.
 * @throws AffiantError token_invalid
 */
export function assertClaims(payload: JWTPayload, header: JWTHeaderParameters, audience: string): void {
  const { aud, sub } = payload;
  if (typeof sub !== 'string' || sub.trim() === '' || sub.length > MAX_SUBJECT_LENGTH) throw invalid('the token has no usable subject');
  if (Array.isArray(aud) && aud.length !== 1 && payload['azp'] !== audience) {
    throw invalid('the token is for several audiences');
  }
  for (const name of ID_TOKEN_CLAIMS) if (payload[name] !== undefined) throw invalid('the token is an ID token');
  const explicit = header.typ?.toLowerCase().endsWith('at+jwt') === true;
  if (!explicit && payload['nonce'] !== undefined) throw invalid('the token is an ID token');
  if (payload['token_use'] === 'id') throw invalid('the token is an ID token');
  const kind = payload['typ'];
  if (kind !== undefined && !(typeof kind === 'string' && kind.toLowerCase() === 'bearer'))
    throw invalid('the token is not an access token');
  if (payload['events'] !== undefined) throw invalid('the token is a logout or security event token');
}
