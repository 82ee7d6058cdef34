import type { IncomingHttpHeaders } from 'node:http';
import type { IssuerConfig, ServiceKeyConfig } from '#config';
import type { Clock } from '#events';
import { AffiantError, isAffiantError, type ErrorCode } from '#errors';
import type { Logger } from '#observability';
import { BoundedMap } from './bounded-map.js';
import { digestOf, tokensOf } from './credentials.js';
import { FailureThrottle } from './failure-throttle.js';
import { assertSafeUrl, type FetchLike } from './issuer-document.js';
import { IssuerKeys } from './issuer-keys.js';
import type { Credential, Identity } from './port.js';
import { readJson } from './read-json.js';
import { isServiceKey, ServiceKeys } from './service-keys.js';
import { verifyAccessToken, type TrustedIssuer, type VerifiedToken } from './verify-access-token.js';

export interface IdentitySettings {
  readonly issuers: readonly IssuerConfig[];
  readonly serviceKeys: readonly ServiceKeyConfig[];
}

export interface IdentityOptions extends IdentitySettings {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds by which the issuer's clock may differ. */
  readonly clockTolerance: number;
  /** Milliseconds; default 10 minutes: a withdrawn key stops working after at most this long. */
  readonly keysMaxAge?: number;
  /** Milliseconds; default 30 s. */
  readonly keysCooldown?: number;
  /** Milliseconds; default 24 h: how long the last good keys serve while the issuer is away. */
  readonly keysMaxOutage?: number;
  /** Milliseconds; default 5 s. */
  readonly fetchTimeout?: number;
  /** Tokens remembered; default 10,000. */
  readonly cacheSize?: number;
  /** Failed authentications an address may have per minute before it is answered 429; default 30. */
  readonly failuresPerMinute?: number;
  readonly fetch?: FetchLike;
}

/** The identity of a running process; `update` takes a reloaded configuration and keeps the keys of issuers that stay. */
export interface ConfiguredIdentity extends Identity {
  /** @throws AffiantError config_invalid, and then nothing has changed. */
  update(settings: IdentitySettings): void;
}

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly untilMs: number;
}

const REFUSALS_REMEMBERED = 1000;
const REFUSAL_MS = 5000;
const ADDRESSES_REMEMBERED = 10_000;
const ASYMMETRIC = /^(RS|PS|ES)(256|384|512)$|^EdDSA$|^Ed25519$/;

/** @throws AffiantError config_invalid */
export function createIdentity(options: IdentityOptions): ConfiguredIdentity {
  return new TokenIdentity(options);
}

class TokenIdentity implements ConfiguredIdentity {
  #issuers: readonly TrustedIssuer[] = [];
  #serviceKeys: ServiceKeys;
  readonly #verified: BoundedMap<string, VerifiedToken>;
  readonly #refused = new BoundedMap<string, Refusal>(REFUSALS_REMEMBERED);
  readonly #underWay = new Map<string, Promise<Credential>>();
  readonly #throttle: FailureThrottle;

  constructor(private readonly options: IdentityOptions) {
    const { clock, cacheSize = 10_000, failuresPerMinute = 30 } = options;
    this.#verified = new BoundedMap(cacheSize);
    this.#throttle = new FailureThrottle(clock, { failures: failuresPerMinute, windowMs: 60_000, addresses: ADDRESSES_REMEMBERED });
    this.#issuers = this.#trust(options.issuers);
    this.#serviceKeys = new ServiceKeys(options.serviceKeys, clock);
  }

  update({ issuers, serviceKeys }: IdentitySettings): void {
    const nextKeys = new ServiceKeys(serviceKeys, this.options.clock);
    this.#issuers = this.#trust(issuers);
    this.#serviceKeys = nextKeys;
    this.#verified.clear();
    this.#refused.clear();
    this.#underWay.clear();
  }

  async identify(headers: IncomingHttpHeaders, remoteAddress: string): Promise<Credential> {
    const [first, ...others] = tokensOf(headers);
    try {
      return others.length === 0 ? await this.verify(first) : await this.#agree([first, ...others]);
    } catch (error) {
      const counts = isAffiantError(error) && (error.code === 'token_invalid' || error.code === 'token_conflict');
      if (counts && this.#throttle.fail(remoteAddress)) {
        throw new AffiantError('auth_throttled', 'too many failed authentications from this address', { cause: error });
      }
      throw error;
    }
  }

  async verify(token: string): Promise<Credential> {
    const digest = digestOf(token);
    if (isServiceKey(token)) return this.#serviceKeys.verify(digest);
    const now = this.options.clock.nowMs();
    const known = this.#verified.get(digest);
    if (known !== undefined && known.validUntilMs > now) return known.credential;
    const refused = this.#refused.get(digest);
    if (refused !== undefined && refused.untilMs > now) throw new AffiantError(refused.code, refused.message);
    const underWay = this.#underWay.get(digest);
    if (underWay !== undefined) return underWay;
    const verifying = this.#verifyAfresh(token, digest).finally(() => {
      if (this.#underWay.get(digest) === verifying) this.#underWay.delete(digest);
    });
    this.#underWay.set(digest, verifying);
    return verifying;
  }

  async #verifyAfresh(token: string, digest: string): Promise<Credential> {
    const { clock, clockTolerance } = this.options;
    const issuers = this.#issuers;
    try {
      const verified = await verifyAccessToken(token, issuers, clock, clockTolerance);
      // A configuration that changed meanwhile may no longer trust this issuer: then the answer holds for this call only.
      if (issuers === this.#issuers) this.#verified.set(digest, verified);
      return verified.credential;
    } catch (error) {
      this.#verified.delete(digest);
      if (isAffiantError(error) && (error.code === 'token_invalid' || error.code === 'token_expired')) {
        this.#refused.set(digest, { code: error.code, message: error.message, untilMs: clock.nowMs() + REFUSAL_MS });
      }
      throw error;
    }
  }

  /** Several headers with different tokens pass only when each verifies and all name the same identity (research/wire.md §1.2). */
  async #agree(tokens: readonly string[]): Promise<Credential> {
    const results = await Promise.allSettled(tokens.map((token) => this.verify(token)));
    const credentials: Credential[] = [];
    for (const result of results) {
      if (result.status === 'fulfilled') credentials.push(result.value);
      else if (isAffiantError(result.reason) && result.reason.code === 'issuer_unavailable') throw result.reason;
    }
    const [first] = credentials;
    const same = credentials.every(({ principal }) => identityOf(principal) === identityOf((first as Credential).principal));
    if (first === undefined || credentials.length !== tokens.length || !same) {
      throw new AffiantError('token_conflict', 'the headers of the call carry different credentials');
    }
    return first;
  }

  #trust(configs: readonly IssuerConfig[]): readonly TrustedIssuer[] {
    const { clock, logger, keysMaxAge, keysCooldown, keysMaxOutage, fetchTimeout } = this.options;
    return configs.map((config) => {
      assertSafeUrl(config.issuer, config.name);
      if (config.jwks_uri !== undefined) assertSafeUrl(config.jwks_uri, config.name);
      const weak = config.algorithms.find((algorithm) => !ASYMMETRIC.test(algorithm));
      if (weak !== undefined || config.algorithms.length === 0) {
        throw new AffiantError('config_invalid', `algorithm ${weak ?? '(none)'} is not an asymmetric signature`, { where: config.name });
      }
      const kept = this.#issuers.find((issuer) => issuer.config.issuer === config.issuer && issuer.config.jwks_uri === config.jwks_uri);
      const keys =
        kept?.keys ??
        new IssuerKeys(config, {
          clock,
          logger,
          fetcher: this.options.fetch ?? readJson,
          maxAgeMs: keysMaxAge ?? 600_000,
          cooldownMs: keysCooldown ?? 30_000,
          maxOutageMs: keysMaxOutage ?? 86_400_000,
          timeoutMs: fetchTimeout ?? 5000,
        });
      return { config, keys };
    });
  }
}

function identityOf({ issuer, subject, actor }: Credential['principal']): string {
  return JSON.stringify([issuer, subject, actor]);
}
