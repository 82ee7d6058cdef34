import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent } from '#durable';
import { AffiantError } from '#errors';

export interface KeyFile {
  readonly bytes: Buffer;
  /** True when this call made the key: the owner records it (control event key.created). */
  readonly created: boolean;
}

/**
 * Reads a private file, or creates it from `make()`, mode 0600. Durable when it resolves; of racing creators one wins and all read its key.
 * A crash leaves no file or the whole file, so the next start either makes a key or finds this one.
 * @throws AffiantError key_invalid when others than the owner may read it, or the owner is another user.
 */
export async function readOrCreateKeyFile(path: string, make: () => Buffer | string): Promise<KeyFile> {
  let created = false;
  if ((await readFileIfPresent(path)) === null) {
    await makeDirectoryDurably(dirname(path), 0o700);
    created = await createFileDurably(path, make(), { mode: 0o600 });
  }
  const bytes = await readFileIfPresent(path);
  if (bytes === null) throw new AffiantError('key_invalid', 'the key file vanished while it was read', { where: path });
  const { mode, uid } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new AffiantError('key_invalid', 'others may read this key file', {
      where: path,
      remedy: 'chmod 600 it; if others had access, replace the key.',
    });
  }
  if (process.geteuid !== undefined && uid !== process.geteuid()) {
    throw new AffiantError('key_invalid', 'this key file belongs to another user', {
      where: path,
      remedy: 'chown it to the user of the service, and find out who wrote it.',
    });
  }
  return { bytes, created };
}

/**
 * Reads a key that this process must not make: others share it, or what it opens is there already. Who may read it is for the mount to say (Kubernetes and Compose mount secrets
 * readable for a group or for all of one container); who may write it is refused all the same.
 * @throws AffiantError key_invalid when it is not there, or others may write it.
 */
export async function readSharedKeyFile(path: string): Promise<KeyFile> {
  const bytes = await readFileIfPresent(path);
  if (bytes === null) {
    throw new AffiantError('key_invalid', 'the key is not there', {
      where: path,
      remedy:
        'Name the right directory; keys that services share are made once with `affiant keys create` (docs/guide/run-distributed.md).',
    });
  }
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
    throw new AffiantError('key_invalid', 'others may write this key file', {
      where: path,
      remedy: 'chmod go-w it, and find out who changed it.',
    });
  }
  return { bytes, created: false };
}
