import { AffiantError } from '#errors';
import { readOrCreateKeyFile, readSharedKeyFile } from './key-file.js';
import { checkPassphrase, isEncryptedPem, newKeyPem, parseKeyPem } from './key-pem.js';
import { loadOrCreateSecret, loadSecret } from './secret.js';

/** How a secret of 32 bytes is kept in a file. */
export interface SecretFile {
  readonly path: string;
  /** Must be there: never made. */
  readonly shared: boolean;
  /** Null: the file holds the 32 bytes as they are. */
  readonly passphrase: string | null;
  /** Where the configuration names the passphrase. */
  readonly setting: string;
}

/**
 * A secret of 32 bytes, plain or encrypted under a passphrase. Encrypted it is the seed of an Ed25519 key, which is 32 random bytes, in the same PKCS #8
 * file as a signing key: so `openssl` encrypts, reads and re-encrypts it, with the KDF that one chooses.
 * @throws AffiantError key_invalid, also when the file is encrypted and no passphrase is configured, or the other way round
 */
export async function openSecretFile({ path, shared, passphrase, setting }: SecretFile): Promise<Buffer> {
  if (passphrase === null) {
    const plain = await (shared ? loadSecret(path) : loadOrCreateSecret(path)).catch(async (error: unknown) => {
      throw (await isEncrypted(path)) ? encrypted(path, setting) : error;
    });
    return plain;
  }
  const checked = checkPassphrase(passphrase);
  const { bytes } = shared ? await readSharedKeyFile(path) : await readOrCreateKeyFile(path, () => newKeyPem(checked));
  if (!isEncryptedPem(bytes)) {
    throw new AffiantError('key_invalid', 'a passphrase is configured, and the key file is not encrypted', {
      where: path,
      remedy: 'Encrypt it (docs/reference/signers.md), and destroy the copies that are not.',
    });
  }
  const { key } = parseKeyPem(bytes, checked, path, setting);
  // RFC 8410: the last 32 bytes of the unencrypted form are the seed.
  return key.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
}

async function isEncrypted(path: string): Promise<boolean> {
  return readSharedKeyFile(path).then(
    ({ bytes }) => isEncryptedPem(bytes),
    () => false,
  );
}

const encrypted = (where: string, setting: string): AffiantError =>
  new AffiantError('key_invalid', 'the key file is encrypted, and no passphrase is configured', {
    where,
    remedy: `Name it in ${setting}.`,
  });
