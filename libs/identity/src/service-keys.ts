import { hash, randomBytes } from 'node:crypto';
import type { ServiceKeyConfig } from '#config';
import type { Clock } from '#events';
import { AffiantError } from '#errors';
import type { Credential } from './port.js';

export const SERVICE_KEY_ISSUER = 'affiant:service-key';
const PREFIX = 'afk_';

interface KnownKey {
  readonly credential: Credential;
  readonly expiresAtMs: number;
}

/** True for what claims to be a service key; it is then never tried as a JWT. */
export function isServiceKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** A new key of 256 random bits and what belongs into `identity.service_keys[].hash`. The key itself is shown once and stored nowhere. */
export function createServiceKey(): { readonly key: string; readonly hash: string } {
  const key = PREFIX + randomBytes(32).toString('base64url');
  return { key, hash: `sha256:${hash('sha256', key, 'hex')}` };
}

/**
 * Service keys by the hash the configuration holds. The look-up is by the digest of 256 random bits, so its timing tells nothing
 * about a stored key: an attacker cannot choose the digest's bytes.
 */
export class ServiceKeys {
  readonly #byHash = new Map<string, KnownKey>();

  /** @throws AffiantError config_invalid */
  constructor(
    keys: readonly ServiceKeyConfig[],
    private readonly clock: Clock,
  ) {
    for (const { name, hash: stored, groups, expires } of keys) {
      const digest = /^sha256:([0-9a-f]{64})$/i.exec(stored)?.[1]?.toLowerCase();
      const expiresAtMs = Date.parse(expires);
      if (digest === undefined)
        throw new AffiantError('config_invalid', 'a service key hash is not sha256:<64 hex digits>', { where: name });
      if (Number.isNaN(expiresAtMs)) throw new AffiantError('config_invalid', 'a service key has no valid expiry', { where: name });
      const principal = {
        issuer: SERVICE_KEY_ISSUER,
        subject: name,
        kind: 'service_key',
        groups,
        actor: null,
        token_digest: digest,
        token_expires_at: expiresAtMs * 1000,
        authenticated_by: null,
      };
      this.#byHash.set(digest, { credential: { principal, expiresAtMs }, expiresAtMs });
    }
  }

  /** @throws AffiantError token_invalid | token_expired */
  verify(digest: string): Credential {
    const known = this.#byHash.get(digest);
    if (known === undefined) throw new AffiantError('token_invalid', 'the service key is not known');
    if (known.expiresAtMs <= this.clock.nowMs()) throw new AffiantError('token_expired', 'the service key has expired');
    return known.credential;
  }
}
