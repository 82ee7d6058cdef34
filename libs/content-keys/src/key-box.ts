import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AffiantError } from '#errors';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** 60 bytes; Node's decoder passes over what is no base64. */
const BOX = /^[A-Za-z0-9+/]{80}$/;

const boundTo = (id: string): Buffer => Buffer.from(`affiant content key ${id}`);

/**
 * A key of 32 bytes under another one: nonce, AES-256-GCM ciphertext, tag, in base64; the id is the additional data. Nonces are random: a birthday among 2^32
 * boxes of one key has a chance of 2^-33.
 */
export function boxKey(under: Buffer, id: string, key: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', under, nonce);
  cipher.setAAD(boundTo(id));
  const boxed = cipher.update(key);
  cipher.final();
  return Buffer.concat([nonce, boxed, cipher.getAuthTag()]).toString('base64');
}

/** @throws AffiantError content_key_failed when it was boxed under another key or id, or was changed since */
export function unboxKey(under: Buffer, id: string, box: string): Buffer {
  if (!BOX.test(box)) throw new AffiantError('content_key_failed', 'not a wrapped key', { where: id });
  const bytes = Buffer.from(box, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', under, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(boundTo(id));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const key = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    decipher.final();
    return key;
  } catch {
    throw notOurs(id, 'the wrapped key was made under another key-encryption key, or was changed');
  }
}

export const notOurs = (where: string, message: string): AffiantError =>
  new AffiantError('content_key_failed', message, {
    where,
    remedy: 'Compare keys/content*.key with their backup, and `sealing` with what was configured when the key was made.',
  });

/** What stands before the first full stop names the key-encryption key; null for what was wrapped before they had names. */
export function nameOf(wrapped: string): string | null {
  const end = wrapped.indexOf('.');
  return end < 0 ? null : wrapped.slice(0, end);
}
