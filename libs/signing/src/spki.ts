import { createPublicKey, type KeyObject } from 'node:crypto';
import { AffiantError } from '#errors';

/** Raw 32 bytes of an Ed25519 public key in SubjectPublicKeyInfo (RFC 8410). @throws AffiantError key_invalid when it is another kind */
export function rawEd25519(spki: Buffer | string | KeyObject, where: string): Buffer {
  let key: KeyObject;
  try {
    if (!Buffer.isBuffer(spki)) key = typeof spki === 'string' ? createPublicKey(spki) : spki;
    else key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (cause) {
    throw new AffiantError('key_invalid', 'the public key cannot be read', { where, cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new AffiantError('key_invalid', 'not an Ed25519 key', { where });
  return key.export({ type: 'spki', format: 'der' }).subarray(-32);
}
