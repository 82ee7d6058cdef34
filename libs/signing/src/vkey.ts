import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { AffiantError } from '#errors';

/**
 * What a key's signatures mean, by signature type byte (C2SP signed-note, "Signature types"). One Ed25519 key has another key id for each,
 * so a signature of one type can never stand for one of the other.
 */
const TYPE_BYTES = {
  /** Plain Ed25519 over the text: what a log signs with. */
  note: 0x01,
  /** Timestamped Ed25519 (C2SP tlog-cosignature): what a witness signs with. */
  cosignature: 0x04,
} as const;
/** DER of SubjectPublicKeyInfo up to the raw key (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export type VkeyType = keyof typeof TYPE_BYTES;

/** A public key of a signed note, as its vkey spells it. */
export interface Vkey {
  /** Key name; the log's is its origin. */
  readonly name: string;
  /** First four bytes of SHA-256(name || 0x0A || type || public key), big endian. */
  readonly keyId: number;
  /** Raw 32-byte Ed25519 public key. */
  readonly publicKey: Buffer;
}

/** C2SP signed-note: not empty, no Unicode space, no plus; control characters cannot be part of a note either. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && !/[\s+\p{Cc}\p{Cs}]/u.test(name);
}

/** Key id of an Ed25519 key (C2SP signed-note, "Signatures"). */
export function keyIdOf(name: string, publicKey: Uint8Array, type: VkeyType = 'note'): number {
  return createHash('sha256').update(name).update(Buffer.of(0x0a, TYPE_BYTES[type])).update(publicKey).digest().readUInt32BE(0);
}

/** `<name>+<8 hex digits of the key id>+<base64(type || public key)>`. @throws AffiantError key_invalid */
export function formatVkey(name: string, publicKey: Uint8Array, type: VkeyType = 'note'): string {
  if (!isKeyName(name)) throw new AffiantError('key_invalid', `not a key name: ${JSON.stringify(name)}`);
  if (publicKey.length !== 32) throw new AffiantError('key_invalid', 'an Ed25519 public key has 32 bytes');
  const id = keyIdOf(name, publicKey, type).toString(16).padStart(8, '0');
  return `${name}+${id}+${Buffer.concat([Buffer.of(TYPE_BYTES[type]), publicKey]).toString('base64')}`;
}

/** Strict: the only text accepted is the one formatVkey writes for that type. @throws AffiantError key_invalid */
export function parseVkey(text: string, type: VkeyType = 'note'): Vkey {
  // The base64 part may itself hold a plus, the name may not: split at the first two.
  const first = text.indexOf('+');
  const second = text.indexOf('+', first + 1);
  if (first < 1 || second < 0) throw new AffiantError('key_invalid', 'a vkey has the form name+id+key');
  const bytes = Buffer.from(text.slice(second + 1), 'base64');
  if (bytes.length !== 33 || bytes[0] !== TYPE_BYTES[type]) {
    throw new AffiantError('key_invalid', type === 'note' ? 'not an Ed25519 vkey' : 'not an Ed25519 cosigner vkey (signature type 4)');
  }
  const name = text.slice(0, first);
  const publicKey = bytes.subarray(1);
  if (formatVkey(name, publicKey, type) !== text) throw new AffiantError('key_invalid', 'the key id or the encoding of the vkey is wrong');
  return { name, keyId: keyIdOf(name, publicKey, type), publicKey };
}

/** True when `signature` (64 bytes) of `message` is by the key. A vkey may end in one line end, as files do. @throws AffiantError key_invalid */
export function verifyEd25519(vkey: string | Vkey, message: Uint8Array, signature: Uint8Array): boolean {
  const { publicKey } = typeof vkey === 'string' ? parseVkey(vkey.replace(/\r?\n$/, '')) : vkey;
  return signature.length === 64 && verify(null, message, publicKeyObject(publicKey), signature);
}

function publicKeyObject(publicKey: Buffer): KeyObject {
  try {
    return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new AffiantError('key_invalid', 'not a usable Ed25519 public key', { cause });
  }
}
