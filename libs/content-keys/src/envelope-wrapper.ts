import { createHash, randomBytes } from 'node:crypto';
import { AffiantError, isAffiantError } from '#errors';
import type { Clock } from '#events';
import { boxKey, KEY_BYTES, nameOf, notOurs, unboxKey } from './key-box.js';
import type { NamedWrapper, RemoteKey } from './port.js';

/** How long one intermediate key wraps. */
const RENEW_MS = 12 * 3_600_000;
/** While its keeper is away a new one cannot be made: the old one wraps on for as long again, and then no more. */
const LAST_MS = 24 * 3_600_000;
/** How long after a failed renewal the next is tried. */
const PAUSE_MS = 60_000;
/** Wrapped keys under one intermediate key; far below what random nonces allow. */
const MOST = 2 ** 24;
/** Opened intermediate keys that are remembered, and for how long. */
const OPENED = 256;
const REMEMBERED_MS = 3_600_000;

interface Intermediate {
  readonly key: Buffer;
  /** As its keeper encrypted it; base64. */
  readonly sealed: string;
  readonly madeAt: number;
  used: number;
}

/**
 * A key-encryption key that never leaves its keeper. Per process and half day it encrypts one random intermediate key, which wraps the keys here; the
 * encrypted copy stands in each wrapped key (`<name>.<encrypted intermediate key>.<box>`), so that nothing else has to be kept, and destroying a key
 * still destroys its own row alone.
 */
export class EnvelopeWrapper implements NamedWrapper {
  readonly name: string;
  readonly #opened = new Map<string, { readonly key: Promise<Buffer>; readonly at: number }>();
  #present: Intermediate | null = null;
  #renewing: Promise<Intermediate> | null = null;
  #tryAfter = 0;

  constructor(
    private readonly remote: RemoteKey,
    private readonly clock: Pick<Clock, 'nowMs'>,
  ) {
    this.name = `kms-${createHash('sha256').update(remote.keyId).digest('hex').slice(0, 16)}`;
  }

  async wrap(id: string, key: Buffer): Promise<string> {
    const under = await this.#intermediate();
    under.used += 1;
    return `${this.name}.${under.sealed}.${boxKey(under.key, id, key)}`;
  }

  async unwrap(id: string, wrapped: string): Promise<Buffer> {
    const [name, sealed, box, ...more] = wrapped.split('.');
    if (name !== this.name)
      throw notOurs(id, `the key was wrapped under ${nameOf(wrapped) ?? 'a key without a name'}, not under ${this.name}`);
    if (sealed === undefined || box === undefined || more.length > 0)
      throw new AffiantError('content_key_failed', 'not a wrapped key', { where: id });
    return unboxKey(await this.#open(sealed), id, box);
  }

  async #intermediate(): Promise<Intermediate> {
    const [present, now] = [this.#present, this.clock.nowMs()];
    const usable = present !== null && present.used < MOST && now - present.madeAt < LAST_MS;
    if (usable && (now - present.madeAt < RENEW_MS || now < this.#tryAfter)) return present;
    this.#renewing ??= this.#make().finally(() => {
      this.#renewing = null;
    });
    try {
      return await this.#renewing;
    } catch (error) {
      this.#tryAfter = now + PAUSE_MS;
      if (usable) return present;
      throw error;
    }
  }

  /** Decrypted once before anything is wrapped under it: a keeper that gives what it cannot open again would lose content. */
  async #make(): Promise<Intermediate> {
    const key = randomBytes(KEY_BYTES);
    const sealed = await this.#ask('encrypt', key);
    if (!(await this.#ask('decrypt', sealed)).equals(key))
      throw new AffiantError('content_key_failed', 'the keeper of the key-encryption key does not open what it encrypted', {
        where: this.remote.keyId,
      });
    this.#present = { key, sealed: sealed.toString('base64'), madeAt: this.clock.nowMs(), used: 0 };
    return this.#present;
  }

  #open(sealed: string): Promise<Buffer> {
    const now = this.clock.nowMs();
    for (const [one, { at }] of this.#opened) if (now - at >= REMEMBERED_MS) this.#opened.delete(one);
    const known = this.#opened.get(sealed);
    if (known !== undefined) return known.key;
    const key = this.#decrypt(sealed);
    // What failed is asked for again; who waits for it now hears of the failure.
    key.catch(() => this.#opened.delete(sealed));
    this.#opened.set(sealed, { key, at: now });
    for (const oldest of this.#opened.keys()) {
      if (this.#opened.size <= OPENED) break;
      this.#opened.delete(oldest);
    }
    return key;
  }

  async #decrypt(sealed: string): Promise<Buffer> {
    const key = await this.#ask('decrypt', Buffer.from(sealed, 'base64'));
    if (key.length !== KEY_BYTES)
      throw new AffiantError('content_key_failed', 'what the keeper of the key-encryption key opened is no key', {
        where: this.remote.keyId,
      });
    return key;
  }

  async #ask(action: 'encrypt' | 'decrypt', bytes: Buffer): Promise<Buffer> {
    try {
      return await this.remote[action](bytes);
    } catch (cause) {
      if (isAffiantError(cause) && cause.code === 'config_secret_missing') throw cause;
      throw new AffiantError('content_key_failed', cause instanceof Error ? cause.message : `the keeper does not ${action}`, {
        where: this.remote.keyId,
        remedy: 'Bring the KMS back, and see whether this identity may Encrypt and Decrypt there; what waits goes on by itself.',
        cause,
      });
    }
  }
}
