import { join } from 'node:path';
import { resolveSecret, type KeyEncryptionKeyConfig, type SealingConfig } from '#config';
import { EnvelopeWrapper, LocalWrapper, WrapperRing, type NamedWrapper } from '#content-keys';
import { SystemClock } from '#events';
import { kmsKey, openSecretFile } from '#signing';
import { keyFileAfter, numberedKeyFiles } from './numbered-keys.js';
import { signerSpec } from './signer-spec.js';

/** What the KMS binds to what it encrypts for us, and shows in its own log. */
const USE = 'affiant content';
const FIRST = 'content.key';

/** Files of key-encryption keys, oldest first: `content.key`, `content-2.key`, and so on; a rotation adds one. Empty when there is none. */
export const contentKeyFiles = (directory: string): Promise<readonly string[]> => numberedKeyFiles(directory, 'content');

/** The file that the next rotation makes. @throws AffiantError conflict at the end of the numbers */
export async function nextContentKeyFile(directory: string): Promise<string> {
  return keyFileAfter((await contentKeyFiles(directory)).at(-1), 'content');
}

/**
 * The key-encryption key as configured, and every older one that is here. The newest file wraps, or the KMS where one is configured.
 * @param shared the files are made by `affiant keys create`, never here
 * @throws AffiantError key_invalid, config_secret_missing; a KMS is not asked
 */
export async function openContentWrapper(
  { key, previous_keys: previous, lost_keys: lost }: SealingConfig,
  directory: string,
  shared: boolean,
): Promise<WrapperRing> {
  const present = await contentKeyFiles(directory);
  const names = present.length === 0 && key.kind === 'file' ? [FIRST] : present;
  const passphrase = await passphraseOf([key, ...previous]);
  const files: NamedWrapper[] = [];
  for (const name of names) files.push(await openContentKeyFile(join(directory, name), passphrase, shared));
  const older = previous.flatMap((one) => (one.kind === 'kms' ? [inKms(one)] : []));
  if (key.kind === 'kms') return new WrapperRing(inKms(key), [...older, ...files], lost);
  return new WrapperRing(files.at(-1)!, [...older, ...files.slice(0, -1)], lost);
}

/** One key file; made when it is not there, unless it is shared. @throws AffiantError key_invalid */
export async function openContentKeyFile(path: string, passphrase: string | null, shared: boolean): Promise<NamedWrapper> {
  return new LocalWrapper(await openSecretFile({ path, shared, passphrase, setting: 'sealing.key.passphrase' }));
}

/** All key files share one passphrase; null: they are plain. @throws AffiantError config_secret_missing */
export async function passphraseOf(keepers: readonly KeyEncryptionKeyConfig[]): Promise<string | null> {
  for (const one of keepers) if (one.kind === 'file' && one.passphrase !== undefined) return resolveSecret(one.passphrase);
  return null;
}

function inKms(config: Extract<KeyEncryptionKeyConfig, { readonly kind: 'kms' }>): NamedWrapper {
  const spec = signerSpec(config);
  if (spec.kind !== 'kms') throw new TypeError('a KMS was configured');
  return new EnvelopeWrapper(kmsKey(spec, USE), new SystemClock());
}
