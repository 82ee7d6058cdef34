import { createCipheriv, createDecipheriv } from 'node:crypto';
import { AffiantError } from '#errors';

/**
 * Sealed content: one byte of format (1), a nonce of 12 bytes, AES-256-GCM ciphertext, a tag of 16 bytes.
 * Additional data: the purpose, the format, and the id of the key.
 */
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;

/** What sealing adds to the length of the content. */
export const SEAL_BYTES = HEAD_BYTES + TAG_BYTES;

/** What a key is for: bytes sealed for one purpose do not open for another. */
export type Purpose = 'content' | 'original';

const boundTo = (id: string, purpose: Purpose): Buffer => Buffer.from(`affiant ${purpose} ${FORMAT} ${id}`);

/**
 * A key in the one process that may seal with it. The nonce counts up from 0: a key is handed to one process once and dies with it, so no nonce comes
 * twice.
 */
export class SealingKey {
  readonly #key: Buffer;
  readonly #bound: Buffer;
  readonly #nonce = Buffer.alloc(NONCE_BYTES);
  #used = 0;

  constructor(
    readonly id: string,
    key: Buffer,
    purpose: Purpose = 'content',
  ) {
    this.#key = key;
    this.#bound = boundTo(id, purpose);
  }

  seal(content: Buffer): Buffer {
    this.#used += 1;
    if (!Number.isSafeInteger(this.#used)) throw new AffiantError('content_key_failed', 'the key has sealed all that it may');
    this.#nonce.writeUIntBE(Math.floor(this.#used / 0x1_0000_0000), 4, 4);
    this.#nonce.writeUInt32BE(this.#used >>> 0, 8);
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonce);
    cipher.setAAD(this.#bound);
    const sealed = Buffer.allocUnsafe(content.length + SEAL_BYTES);
    sealed[0] = FORMAT;
    this.#nonce.copy(sealed, 1);
    cipher.update(content).copy(sealed, HEAD_BYTES);
    cipher.final();
    cipher.getAuthTag().copy(sealed, HEAD_BYTES + content.length);
    return sealed;
  }
}

/** @throws AffiantError content_key_failed when it was not sealed with this key under this id, or was changed since */
export function openSealed(id: string, key: Buffer, sealed: Buffer, purpose: Purpose = 'content'): Buffer {
  if (sealed.length < SEAL_BYTES || sealed[0] !== FORMAT)
    throw new AffiantError('content_key_failed', 'not content as it is sealed', { where: id });
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEAD_BYTES));
    decipher.setAAD(boundTo(id, purpose));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const content = decipher.update(sealed.subarray(HEAD_BYTES, -TAG_BYTES));
    decipher.final();
    return content;
  } catch (cause) {
    throw new AffiantError('content_key_failed', 'the content does not open with its key', { where: id, cause });
  }
}
