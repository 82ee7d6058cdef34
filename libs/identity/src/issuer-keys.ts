import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import type { IssuerConfig } from '#config';
import type { Clock } from '#events';
import { AffiantError } from '#errors';
import type { Logger } from '#observability';
import { discover, type FetchLike } from './issuer-document.js';

export interface IssuerKeysOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fetcher: FetchLike;
  /** A withdrawn key stops working after at most this long. */
  readonly maxAgeMs: number;
  /** Least time between two fetches caused by an unknown key or a failed fetch. */
  readonly cooldownMs: number;
  /** In an outage the last good keys are used for at most this long after they were read. */
  readonly maxOutageMs: number;
  readonly timeoutMs: number;
}

type Keys = ReturnType<typeof createLocalJWKSet>;

/**
 * The public keys of one pinned issuer. Read at the first use, renewed in the background from half of their age on.
 * Not jose's remote key set: its timers run on the wall clock and have no notion of an outage. This class decides when to fetch.
 */
export class IssuerKeys {
  #keys: Keys | null = null;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #failing = false;
  #pending: Promise<void> | null = null;

  constructor(
    private readonly config: IssuerConfig,
    private readonly options: IssuerKeysOptions,
  ) {}

  /** Until when a verdict reached with these keys may be remembered, milliseconds since the Unix epoch. */
  get validUntilMs(): number {
    const { maxAgeMs, cooldownMs } = this.options;
    return this.#failing ? this.#triedAtMs + cooldownMs : this.#readAtMs + maxAgeMs;
  }

  /** @throws AffiantError token_invalid (no such key) | issuer_unavailable (no keys, or too old ones) */
  async find(header: JWSHeaderParameters): Promise<CryptoKey> {
    await this.#freshen();
    const keys = this.#usable();
    try {
      return await keys(header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw new AffiantError('token_invalid', 'the key cannot be used', { cause: error });
      if (this.options.clock.nowMs() - this.#triedAtMs < this.options.cooldownMs) throw unknownKey(error);
    }
    await this.#fetch();
    return this.#usable()(header).catch((error: unknown) => {
      throw unknownKey(error);
    });
  }

  async #freshen(): Promise<void> {
    const { clock, maxAgeMs, cooldownMs } = this.options;
    const age = clock.nowMs() - this.#readAtMs;
    if (age < maxAgeMs / 2) return;
    if (this.#keys !== null && clock.nowMs() - this.#triedAtMs < cooldownMs) return;
    const fetched = this.#fetch();
    if (age >= maxAgeMs) await fetched;
  }

  #usable(): Keys {
    const age = this.options.clock.nowMs() - this.#readAtMs;
    if (this.#keys === null || age > this.options.maxOutageMs) {
      throw new AffiantError('issuer_unavailable', `the keys of issuer ${this.config.name} cannot be read`);
    }
    return this.#keys;
  }

  /** Never rejects: a failed fetch leaves the last good keys in place and raises the alarm. */
  #fetch(): Promise<void> {
    this.#pending ??= this.#load().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #load(): Promise<void> {
    const { clock, fetcher, logger, timeoutMs } = this.options;
    this.#triedAtMs = clock.nowMs();
    try {
      const uri = this.config.jwks_uri ?? (await discover(this.config.issuer, fetcher, timeoutMs)).jwks_uri;
      const response = await fetcher(uri, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      this.#keys = createLocalJWKSet((await response.json()) as JSONWebKeySet);
      this.#readAtMs = clock.nowMs();
      if (this.#failing) logger.info({ issuer: this.config.name }, 'issuer keys can be read again');
      this.#failing = false;
    } catch (error) {
      this.#failing = true;
      logger.error(
        { issuer: this.config.name, reason: error instanceof Error ? error.message : 'unknown', keepsLastKeys: this.#keys !== null },
        'issuer keys cannot be read',
      );
    }
  }
}

function unknownKey(cause: unknown): AffiantError {
  return new AffiantError('token_invalid', 'the issuer has no such key', { cause });
}
