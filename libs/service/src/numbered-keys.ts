import { readdir } from 'node:fs/promises';
import { AffiantError } from '#errors';

/** Keys that a rotation adds to: `content` and `originals`. */
export type NumberedKey = 'content' | 'originals';

/** Four digits at most, so that a ring is bounded. */
const NUMBER = '(?:-([1-9]\\d{0,3}))?';
const LAST = 9_999;

/** Files of that key, oldest first: `content.key`, `content-2.key`, and so on; the last is the newest. Empty when there is none. */
export async function numberedKeyFiles(directory: string, key: NumberedKey): Promise<readonly string[]> {
  const found = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return found
    .flatMap((file) => {
      const number = numberOf(file, key);
      return number === null ? [] : [{ file, number }];
    })
    .toSorted((a, b) => a.number - b.number)
    .map(({ file }) => file);
}

/** The file that comes after that one; after none (undefined) the first. @throws AffiantError conflict at the end of the numbers */
export function keyFileAfter(newest: string | undefined, key: NumberedKey): string {
  if (newest === undefined) return keyFileName(key, 1);
  const number = (numberOf(newest, key) ?? 1) + 1;
  if (number > LAST) throw new AffiantError('conflict', `${newest} is the last number there is`, { remedy: 'Take older files away.' });
  return keyFileName(key, number);
}

/** Numbers below the newest of these that have no file: taken away, or lost. At most `limit`, the newest first. */
export function missingKeyFiles(files: readonly string[], key: NumberedKey, limit: number): readonly string[] {
  const there = new Set(files.map((file) => numberOf(file, key)));
  const missing: string[] = [];
  for (let number = Math.max(...files.map((file) => numberOf(file, key) ?? 1)) - 1; number > 0 && missing.length < limit; number -= 1)
    if (!there.has(number)) missing.push(keyFileName(key, number));
  return missing;
}

const keyFileName = (key: NumberedKey, number: number): string => (number === 1 ? `${key}.key` : `${key}-${number}.key`);

function numberOf(file: string, key: NumberedKey): number | null {
  const match = new RegExp(`^${key}${NUMBER}\\.key$`).exec(file);
  return match === null ? null : Number(match[1] ?? 1);
}
