import { join } from 'node:path';
import { AffiantError } from '#errors';
import { readFileIfPresent, writeFileDurably } from '#durable';

const FILE = 'epoch';

/**
 * Raises the boot epoch of the source and makes it durable before anybody may use it. A crash afterwards leaves an epoch without events:
 * epochs grow, they need not be dense. `seen` is the highest epoch in the segments, in case the file was lost.
 * @throws AffiantError journal_corrupt when the file holds something else than a number.
 */
export async function raiseBootEpoch(directory: string, seen: number): Promise<{ readonly epoch: number; readonly previous: number }> {
  const path = join(directory, FILE);
  const text = (await readFileIfPresent(path))?.toString('utf8').trim() ?? '0';
  if (!/^\d{1,15}$/.test(text)) throw new AffiantError('journal_corrupt', 'the boot epoch is not a number', { where: path });
  const previous = Math.max(Number(text), seen);
  await writeFileDurably(path, `${previous + 1}\n`);
  return { epoch: previous + 1, previous };
}
