import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent } from '#durable';
import { AffiantError } from '#errors';

/** The public key that stands beside the private one, or alone where the private one is kept elsewhere. Null before the first start. */
export async function readPinned(path: string): Promise<string | null> {
  return (await readFileIfPresent(path))?.toString('utf8').trimEnd() ?? null;
}

/** When it was pinned, as the file says: the start of a key that no ring tells of. ISO 8601. */
export async function pinnedAt(path: string): Promise<string> {
  return (await stat(path)).mtime.toISOString();
}

/**
 * Holds a key against the one that was pinned; pins it when there was none and this process may write there.
 * A crash between making a key and pinning it leaves the key alone; the next start pins it.
 * @throws AffiantError key_invalid when another one is pinned: signing with it would fork the trust in the log
 */
export async function holdAgainstPinned(path: string, pinned: string | null, vkey: string, shared: boolean): Promise<void> {
  if (pinned === null) {
    if (shared) return;
    await makeDirectoryDurably(dirname(path));
    await createFileDurably(path, `${vkey}\n`, { mode: 0o644 });
  } else if (pinned !== vkey) {
    throw new AffiantError('key_invalid', 'the public key beside it belongs to another key or name', {
      where: path,
      remedy:
        'The name of a log is constant for life; restore the old name or the old key. Another key is a rotation: `affiant keys rotate`.',
    });
  }
}
