import { join } from 'node:path';
import { newOriginalsKeyPair, OriginalsOpener, OriginalsWrapper, type IssuingWrapper } from '#content-keys';
import { createFileDurably, readFileIfPresent } from '#durable';
import { AffiantError } from '#errors';
import type { Logger } from '#observability';
import { readOrCreateKeyFile, readSharedKeyFile } from '#signing';
import { numberedKeyFiles } from './numbered-keys.js';
import { ORIGINALS_PRIVATE } from './originals-ring.js';

/** What seals: every gateway has it. */
export const ORIGINALS_PUBLIC = 'originals.pub';

/**
 * Makes the pair once; what is there already stays. A crash leaves the private key alone, and the public one is then made from it; after rotations from the
 * newest.
 * @throws AffiantError key_invalid
 */
export async function createOriginalsKeys(directory: string): Promise<void> {
  const publicPath = join(directory, ORIGINALS_PUBLIC);
  if ((await readFileIfPresent(publicPath)) !== null) return;
  const newest = (await numberedKeyFiles(directory, 'originals')).at(-1);
  const made = newest === undefined ? (await newOriginalsKeyPair()).privatePem : '';
  const file = newest ?? ORIGINALS_PRIVATE;
  const { bytes } = await readOrCreateKeyFile(join(directory, file), () => made);
  await createFileDurably(publicPath, publicOf(bytes, directory, file), { mode: 0o644 });
}

/**
 * Seals under the public key of that directory. It is read when first needed, and looked at again before each batch of keys: so a rotation is taken up by a
 * running gateway. A file that is gone or unreadable then fails the batch, as at a start.
 * @param create the pair is made when it is not there
 */
export function originalsWrapper(directory: string, create: boolean, logger: Pick<Logger, 'info'> | null = null): IssuingWrapper {
  const path = join(directory, ORIGINALS_PUBLIC);
  let present: { readonly bytes: Buffer; readonly wrapper: OriginalsWrapper } | null = null;
  const look = async (): Promise<OriginalsWrapper> => {
    if (create) await createOriginalsKeys(directory);
    const { bytes } = await readSharedKeyFile(path);
    if (present?.bytes.equals(bytes) === true) return present.wrapper;
    const wrapper = new OriginalsWrapper(bytes, path);
    if (present !== null && present.wrapper.name !== wrapper.name)
      logger?.info({ before: present.wrapper.name, pair: wrapper.name }, 'new keys of originals are wrapped under another key pair');
    present = { bytes, wrapper };
    return wrapper;
  };
  return {
    refresh: async () => void (await look()),
    wrap: async (id, key) => (present?.wrapper ?? (await look())).wrap(id, key),
  };
}

function publicOf(pem: Buffer, directory: string, file: string): string {
  try {
    return new OriginalsOpener(pem, join(directory, file)).publicPem;
  } catch {
    throw new AffiantError('key_invalid', `${ORIGINALS_PUBLIC} is not there, and cannot be made from the private key`, {
      where: join(directory, file),
      remedy: `Write it: openssl pkey -in ${file} -pubout -out ${ORIGINALS_PUBLIC}.`,
    });
  }
}
