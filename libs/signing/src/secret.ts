import { randomBytes } from 'node:crypto';
import { AffiantError } from '#errors';
import { readOrCreateKeyFile, readSharedKeyFile } from './key-file.js';

/**
 * A random secret of `length` bytes, created at first use in `path` (raw bytes, 0600, durable).
 * @throws AffiantError key_invalid when the file has another length or is readable by others.
 */
export async function loadOrCreateSecret(path: string, length = 32): Promise<Buffer> {
  const { bytes } = await readOrCreateKeyFile(path, () => randomBytes(length));
  return checked(bytes, path, length);
}

/** The same for a secret that this process must not make. @throws AffiantError key_invalid when it is not there, too. */
export async function loadSecret(path: string, length = 32): Promise<Buffer> {
  return checked((await readSharedKeyFile(path)).bytes, path, length);
}

function checked(bytes: Buffer, path: string, length: number): Buffer {
  if (bytes.length !== length) {
    throw new AffiantError('key_invalid', `a secret of ${length} bytes was expected, the file has ${bytes.length}`, {
      where: path,
      remedy: 'Restore the file from its backup; without it what it protects cannot be read.',
    });
  }
  return bytes;
}
