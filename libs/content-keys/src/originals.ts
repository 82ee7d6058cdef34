import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  privateDecrypt,
  publicEncrypt,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { AffiantError } from '#errors';
import type { KeyWrapper } from './port.js';

const LEAST_BITS = 3_072;
const NEW_BITS = 3_072;
const KEY_BYTES = 32;

/** A value that was masked. */
export interface Original {
  /** What stands in its place in the text. */
  readonly placeholder: string;
  readonly value: string;
}

/** What was masked in some segments of a body. */
export interface KeptOriginals {
  /** SHA-256 of the segments as they are stored, hex. */
  readonly segments: readonly string[];
  readonly values: readonly Original[];
}

/** The list that is sealed into an event: JSON, `[{"segments": [hex, ...], "values": [[placeholder, value], ...]}, ...]`. */
export function encodeOriginals(kept: readonly KeptOriginals[]): Buffer {
  const list = kept.map(({ segments, values }) => ({ segments, values: values.map(({ placeholder, value }) => [placeholder, value]) }));
  return Buffer.from(JSON.stringify(list));
}

/** @throws AffiantError content_key_failed when it is no such list */
export function decodeOriginals(bytes: Buffer): KeptOriginals[] {
  try {
    const list = JSON.parse(bytes.toString()) as { segments: string[]; values: [string, string][] }[];
    return list.map(({ segments, values }) => ({ segments, values: values.map(([placeholder, value]) => ({ placeholder, value })) }));
  } catch {
    // The cause would quote what stands there.
    throw new AffiantError('content_key_failed', 'what was sealed is no list of originals');
  }
}

/** A new pair as PEM (PKCS #8, encrypted when there is a passphrase, and SPKI). Half a second to some seconds of a worker thread. */
export async function newOriginalsKeyPair(
  passphrase: string | null = null,
): Promise<{ readonly privatePem: string; readonly publicPem: string }> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: NEW_BITS });
  const format = { type: 'pkcs8', format: 'pem' } as const;
  const encrypted = passphrase === null ? format : { ...format, cipher: 'aes-256-cbc', passphrase };
  return {
    privatePem: privateKey.export(encrypted).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

const PAIR = /^(rsa-[0-9a-f]{16})\./;

/** Name of the key pair under which that was wrapped. @throws AffiantError content_key_failed when it names none */
export function originalsPairOf(id: string, wrapped: string): string {
  const pair = PAIR.exec(wrapped)?.[1];
  if (pair === undefined) throw changed(id);
  return pair;
}

/**
 * Wraps keys under a public key (RSA-OAEP with SHA-256, the id of the key as label): who has this can seal, and never open.
 * Wrapped: `rsa-`, the first 16 hex digits of the SHA-256 of the public key (SPKI, DER), a full stop, base64.
 */
export class OriginalsWrapper implements Pick<KeyWrapper, 'wrap'> {
  readonly #key: KeyObject;
  /** Of the pair: `rsa-` and 16 hexadecimal digits. */
  readonly name: string;

  /** @throws AffiantError key_invalid */
  constructor(pem: Buffer | string, where: string) {
    this.#key = parsed(() => createPublicKey(pem), where);
    this.name = nameOf(this.#key);
  }

  async wrap(id: string, key: Buffer): Promise<string> {
    return `${this.name}.${publicEncrypt({ key: this.#key, ...padding(id) }, key).toString('base64')}`;
  }
}

/** Opens what was wrapped under the public key of this private one. */
export class OriginalsOpener implements Pick<KeyWrapper, 'unwrap'> {
  readonly #key: KeyObject;
  /** Of the pair, as above. */
  readonly name: string;

  /** @throws AffiantError key_invalid, never with anything of the key */
  constructor(pem: Buffer | string, where: string, passphrase: string | null = null) {
    this.#key = parsed(() => createPrivateKey(passphrase === null ? { key: pem } : { key: pem, passphrase }), where);
    this.name = nameOf(createPublicKey(this.#key));
  }

  /** The public half as PEM (SPKI). */
  get publicPem(): string {
    return createPublicKey(this.#key).export({ type: 'spki', format: 'pem' }).toString();
  }

  async unwrap(id: string, wrapped: string): Promise<Buffer> {
    const name = originalsPairOf(id, wrapped);
    if (name !== this.name)
      throw new AffiantError(
        'content_key_failed',
        `the originals were sealed under another key pair, ${name}; the key here is ${this.name}`,
        {
          where: id,
          remedy: 'Put the private key of that pair back: ops/runbooks/OriginalsKeyLost.md.',
        },
      );
    try {
      const bytes = Buffer.from(wrapped.slice(name.length + 1), 'base64');
      const key = privateDecrypt({ key: this.#key, ...padding(id) }, bytes);
      if (key.length === KEY_BYTES) return key;
    } catch {
      // Said below; OpenSSL's words are no help.
    }
    throw changed(id);
  }
}

const changed = (where: string): AffiantError =>
  new AffiantError('content_key_failed', 'the wrapped key of the originals does not open: it was changed', { where });

const padding = (id: string): { padding: number; oaepHash: string; oaepLabel: Buffer } => ({
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: 'sha256',
  oaepLabel: Buffer.from(`affiant original key ${id}`),
});

const nameOf = (key: KeyObject): string =>
  `rsa-${createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)}`;

function parsed(parse: () => KeyObject, where: string): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch {
    // The cause is left out: the input may be a secret.
    throw new AffiantError('key_invalid', 'not a PEM key, or its passphrase is another', { where });
  }
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_BITS)
    throw new AffiantError('key_invalid', `originals are sealed under an RSA key of at least ${LEAST_BITS} bits`, { where });
  return key;
}
