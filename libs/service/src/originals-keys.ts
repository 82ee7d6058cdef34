import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { resolveSecret, type SecretRef } from '#config';
import { newOriginalsKeyPair, OriginalsOpener, OriginalsWrapper, type KeyWrapper } from '#content-keys';
import { createFileDurably, readFileIfPresent } from '#durable';
import { AffiantError } from '#errors';
import { readOrCreateKeyFile, readSharedKeyFile } from '#signing';

/** What seals: every gateway has it. */
export const ORIGINALS_PUBLIC = 'originals.pub';
/** What opens: only the process that unseals has it. */
export const ORIGINALS_PRIVATE = 'originals.key';

/**
 * Makes the pair once; what is there already stays. A crash leaves the private key alone, and the public one is then made from it.
 * @throws AffiantError key_invalid
 */
export async function createOriginalsKeys(directory: string): Promise<void> {
  const [publicPath, privatePath] = [join(directory, ORIGINALS_PUBLIC), join(directory, ORIGINALS_PRIVATE)];
  if ((await readFileIfPresent(publicPath)) !== null) return;
  const made = (await readFileIfPresent(privatePath)) === null ? (await newOriginalsKeyPair()).privatePem : '';
  const { bytes } = await readOrCreateKeyFile(privatePath, () => made);
  await createFileDurably(publicPath, publicOf(bytes, privatePath), { mode: 0o644 });
}

/** Seals under the public key of that directory, which is read when first needed. `create`: and made then, with the private one, when it is not there. */
export function originalsWrapper(directory: string, create: boolean): Pick<KeyWrapper, 'wrap'> {
  let opened: Promise<OriginalsWrapper> | null = null;
  const open = async (): Promise<OriginalsWrapper> => {
    if (create) await createOriginalsKeys(directory);
    const path = join(directory, ORIGINALS_PUBLIC);
    return new OriginalsWrapper((await readSharedKeyFile(path)).bytes, path);
  };
  return {
    wrap: async (id, key) => {
      opened ??= open();
      try {
        return await (await opened).wrap(id, key);
      } catch (error) {
        opened = null;
        throw error;
      }
    },
  };
}

/** The private key of that directory, read anew for each unsealing: nothing holds it in between. @throws AffiantError key_invalid, config_secret_missing */
export async function openOriginals(directory: string, passphrase: SecretRef | undefined): Promise<OriginalsOpener> {
  const path = join(directory, ORIGINALS_PRIVATE);
  const { bytes } = await readSharedKeyFile(path);
  return new OriginalsOpener(bytes, path, passphrase === undefined ? null : await resolveSecret(passphrase));
}

function publicOf(pem: Buffer, where: string): string {
  try {
    return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    throw new AffiantError('key_invalid', `${ORIGINALS_PUBLIC} is not there, and cannot be made from the private key`, {
      where,
      remedy: `Write it: openssl pkey -in ${ORIGINALS_PRIVATE} -pubout -out ${ORIGINALS_PUBLIC}.`,
    });
  }
}
