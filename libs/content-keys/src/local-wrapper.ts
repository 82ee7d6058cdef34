import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { AffiantError } from '#errors';
import type { KeyWrapper } from './port.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A key-encryption key in memory, read from its file by whoever opens it. Wrapped: nonce, AES-256-GCM ciphertext, tag; the id is the additional data.
 * Nonces are random: a birthday among 2^32 wrapped keys has a chance of 2^-33.
 */
export class LocalWrapper implements KeyWrapper {
  readonly #key: Buffer;

  /** @throws AffiantError key_invalid */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES || timingSafeEqual(key, Buffer.alloc(KEY_BYTES)))
      throw new AffiantError('key_invalid', 'a key-encryption key has 32 random bytes');
    this.#key = key;
  }

  async wrap(id: string, key: Buffer): Promise<string> {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(boundTo(id));
    const wrapped = cipher.update(key);
    cipher.final();
    return Buffer.concat([nonce, wrapped, cipher.getAuthTag()]).toString('base64');
  }

  async unwrap(id: string, wrapped: string): Promise<Buffer> {
    const bytes = Buffer.from(wrapped, 'base64');
    if (bytes.length !== NONCE_BYTES + KEY_BYTES + TAG_BYTES)
      throw new AffiantError('content_key_failed', 'not a wrapped key', { where: id });
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(boundTo(id));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const key = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      decipher.final();
      return key;
    } catch {
      throw new AffiantError('content_key_failed', 'the wrapped key was made under another key-encryption key, or was changed', {
        where: id,
        remedy: 'Compare keys/content.key with its backup.',
      });
    }
  }
}

const boundTo = (id: string): Buffer => Buffer.from(`affiant content key ${id}`);
