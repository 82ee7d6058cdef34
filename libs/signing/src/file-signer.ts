import { sign } from 'node:crypto';
import { join } from 'node:path';
import { AffiantError } from '#errors';
import { checkedSigner } from './checked-signer.js';
import { readOrCreateKeyFile, readSharedKeyFile } from './key-file.js';
import { checkPassphrase, newKeyPem, parseKeyPem } from './key-pem.js';
import { holdAgainstPinned, readPinned } from './pinned-vkey.js';
import { formatVkey, type VkeyType } from './vkey.js';
import type { Signer } from './port.js';
import { readFileIfPresent } from '#durable';

export interface FileSignerOptions {
  /** E.g. `<state>/keys`. */
  readonly directory: string;
  /** File stem: `<file>.key` (PKCS #8 PEM, 0600) and `<file>.vkey` (public, one line). */
  readonly file: string;
  /** Key name of the notes; for the ledger its origin, which must never change. */
  readonly name: string;
  /** Refuse instead of making a key, and write nothing: the key is shared and stands in a place somebody else keeps, e.g. a mounted secret. */
  readonly shared?: boolean;
  /** The file is encrypted with it. */
  readonly passphrase?: string;
  /** What it signs, which its vkey says. Default `note`; `cosignature` for the key of a witness, which must be used for nothing else. */
  readonly type?: VkeyType;
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
  const passphrase = options.passphrase === undefined ? null : checkPassphrase(options.passphrase);
  const pinned = await readPinned(vkeyPath);
  if (pinned !== null && (await readFileIfPresent(keyPath)) === null) {
    throw new AffiantError('key_invalid', 'the public key is here but its private key is gone', {
      where: keyPath,
      remedy: 'Restore the key file from its backup; a new key must be a deliberate rotation (ops/runbooks/KeyLost.md).',
    });
  }
  const shared = options.shared === true;
  const { bytes, created } = shared ? await readSharedKeyFile(keyPath) : await readOrCreateKeyFile(keyPath, () => newKeyPem(passphrase));
  const { key, publicKey } = parseKeyPem(bytes, passphrase, keyPath);
  const vkey = formatVkey(options.name, publicKey, options.type);
  await holdAgainstPinned(vkeyPath, pinned, vkey, shared);
  return { ...checkedSigner(options.name, publicKey, keyPath, async (message) => sign(null, message, key)), vkey, created };
}
