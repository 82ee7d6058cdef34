import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { AffiantError } from '#errors';
import { rawEd25519 } from './spki.js';

/** OpenSSL derives the key of an encrypted PEM with 2,048 rounds only: a short passphrase would be guessed by whoever has the file. */
export const LEAST_PASSPHRASE = 20;

const ENCRYPTED = '-----BEGIN ENCRYPTED PRIVATE KEY-----';

/** A new Ed25519 key as PKCS #8 PEM; with a passphrase as OpenSSL encrypts it (PBES2, PBKDF2, AES-256-CBC), so `openssl pkey` reads it. */
export function newKeyPem(passphrase: string | null): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  const format = { type: 'pkcs8', format: 'pem' } as const;
  if (passphrase === null) return privateKey.export(format).toString();
  return privateKey.export({ ...format, cipher: 'aes-256-cbc', passphrase }).toString();
}

/** Whether a key file is encrypted, by its first line. */
export const isEncryptedPem = (file: Buffer): boolean => file.subarray(0, 100).toString('latin1').trimStart().startsWith(ENCRYPTED);

/** @param setting names the passphrase in the configuration. @throws AffiantError key_invalid; never with anything of the file or the passphrase */
export function parseKeyPem(
  pem: Buffer,
  passphrase: string | null,
  where: string,
  setting = 'ledger.signer.passphrase',
): { readonly key: KeyObject; readonly publicKey: Buffer } {
  const encrypted = isEncryptedPem(pem);
  if (encrypted && passphrase === null) {
    throw new AffiantError('key_invalid', 'the key file is encrypted, and no passphrase is configured', {
      where,
      remedy: `Name it in ${setting}.`,
    });
  }
  if (!encrypted && passphrase !== null && pem.includes('PRIVATE KEY')) {
    throw new AffiantError('key_invalid', 'a passphrase is configured, and the key file is not encrypted', {
      where,
      remedy: 'Encrypt it (openssl pkcs8 -topk8 -v2 aes-256-cbc), and destroy the copies that are not.',
    });
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(passphrase === null ? { key: pem } : { key: pem, passphrase });
  } catch {
    // The cause is left out: OpenSSL messages are no help here and the input is a secret.
    throw new AffiantError('key_invalid', encrypted ? 'the passphrase does not open the key file' : 'not a PKCS #8 PEM private key', {
      where,
    });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new AffiantError('key_invalid', 'not an Ed25519 key', { where });
  return { key, publicKey: rawEd25519(createPublicKey(key), where) };
}

/** @throws AffiantError key_invalid */
export function checkPassphrase(passphrase: string): string {
  if (passphrase.length < LEAST_PASSPHRASE) {
    throw new AffiantError('key_invalid', `the passphrase has fewer than ${LEAST_PASSPHRASE} characters`, {
      remedy: 'Take a random one, e.g. openssl rand -base64 32.',
    });
  }
  return passphrase;
}
