import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { dirname, join } from 'node:path';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent } from '#durable';
import { AffiantError } from '#errors';
import { readOrCreateKeyFile, readSharedKeyFile } from './key-file.js';
import { formatVkey } from './vkey.js';
import type { Signer } from './port.js';

export interface FileSignerOptions {
  /** E.g. `<state>/keys`. */
  readonly directory: string;
  /** File stem: `<file>.key` (PKCS #8 PEM, 0600) and `<file>.vkey` (public, one line). */
  readonly file: string;
  /** Key name of the notes; for the ledger its origin, which must never change. */
  readonly name: string;
  /** Refuse instead of making a key, and write nothing: the key is shared and stands in a place somebody else keeps, e.g. a mounted secret. */
  readonly shared?: boolean;
}

export interface FileSigner extends Signer {
  /** True when this call made the key. */
  readonly created: boolean;
}

/**
 * Opens the Ed25519 key of `<directory>/<file>.key`, creating it at first use.
 * A vkey without its key means the key was lost: making a new one would fork the log, so that is refused.
 * @throws AffiantError key_invalid
 */
export async function openFileSigner(options: FileSignerOptions): Promise<FileSigner> {
  const keyPath = join(options.directory, `${options.file}.key`);
  const vkeyPath = join(options.directory, `${options.file}.vkey`);
  const known = await readFileIfPresent(vkeyPath);
  if (known !== null && (await readFileIfPresent(keyPath)) === null) {
    throw new AffiantError('key_invalid', 'the public key is here but its private key is gone', {
      where: keyPath,
      remedy: 'Restore the key file from its backup; a new key must be a deliberate rotation.',
    });
  }
  const { bytes, created } = options.shared === true ? await readSharedKeyFile(keyPath) : await readOrCreateKeyFile(keyPath, newKeyPem);
  const key = parseKey(bytes, keyPath);
  const publicKey = rawPublicKey(key);
  const vkey = formatVkey(options.name, publicKey);
  // A crash between the two files leaves the key alone; this writes its vkey at the next start.
  if (known === null && options.shared !== true) {
    await makeDirectoryDurably(dirname(vkeyPath));
    await createFileDurably(vkeyPath, `${vkey}\n`, { mode: 0o644 });
  } else if (known !== null && known.toString('utf8').trimEnd() !== vkey) {
    throw new AffiantError('key_invalid', 'the public key beside it belongs to another key or name', {
      where: vkeyPath,
      remedy: 'The name of a log is constant for life; restore the old name, or the old key file.',
    });
  }
  return { name: options.name, publicKey, vkey, created, sign: async (message) => sign(null, message, key) };
}

function newKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function parseKey(pem: Buffer, where: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The cause is left out: OpenSSL messages are no help here and the input is a secret.
    throw new AffiantError('key_invalid', 'not a PKCS #8 PEM private key', { where });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new AffiantError('key_invalid', 'not an Ed25519 key', { where });
  return key;
}

function rawPublicKey(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32);
}
