import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '#events';

export interface Credential {
  readonly principal: Principal;
  /** Milliseconds since the Unix epoch; re-checked at release of a hold. */
  readonly expiresAtMs: number;
}

/**
 * Port: who calls. Verified tokens are remembered by their SHA-256 until they expire (bounded), so a known token costs one hash.
 * @throws AffiantError token_missing | token_invalid | token_expired | token_conflict | issuer_unavailable | auth_throttled
 */
export interface Identity {
  /** From Authorization (Bearer, or Basic whose password is the token) or x-api-key. */
  identify(headers: IncomingHttpHeaders, remoteAddress: string): Promise<Credential>;
  /** The same for a bare token. */
  verify(token: string): Promise<Credential>;
}

/** `group:<name>` or `subject:<sub>` against a principal. */
export function matchesPrincipal(rule: string, principal: Principal): boolean {
  const colon = rule.indexOf(':');
  const kind = rule.slice(0, colon);
  const name = rule.slice(colon + 1);
  return kind === 'group' ? principal.groups.includes(name) : kind === 'subject' && principal.subject === name;
}
