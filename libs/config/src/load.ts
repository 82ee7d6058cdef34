import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { AffiantError, isAffiantError } from '#errors';
import { parseConfig } from './parse.js';
import type { AffiantConfig } from './types.js';

/** @throws AffiantError config_invalid */
export async function loadConfig(path: string): Promise<AffiantConfig> {
  return parseConfig(await read(path), path);
}

async function read(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new AffiantError('config_invalid', 'the configuration file cannot be read', {
      where: path,
      cause,
      remedy: 'Name an existing file with --config.',
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AffiantError('config_invalid', 'the configuration file is not UTF-8', { where: path, cause });
  }
}

/** Editors write in several steps: look again this long after the last sign of a change. Milliseconds. */
const SETTLE_MS = 100;
/** Looked at without a sign too, because file notifications can be missed. Milliseconds. */
const LOOK_MS = 5_000;

/**
 * Calls `onChange` with each new valid content. A bad file is handed to `onRejected` once and the configuration in force stays.
 * Returns the stop.
 */
export function watchConfig(
  path: string,
  onChange: (config: AffiantConfig) => void,
  onRejected: (error: AffiantError) => void,
): () => void {
  let seen: string | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let looking: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    try {
      const text = await read(path);
      const digest = createHash('sha256').update(text).digest('hex');
      if (digest === seen || stopped) return;
      const first = seen === null;
      seen = digest;
      if (!first) onChange(parseConfig(text, path));
    } catch (error) {
      if (!stopped)
        onRejected(
          isAffiantError(error)
            ? error
            : new AffiantError('config_invalid', 'the configuration cannot be read', { where: path, cause: error }),
        );
    }
  };
  const soon = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => (looking = looking.then(look)), SETTLE_MS);
  };

  looking = look();
  // The directory is watched, because an editor that renames a new file over the old one ends a watch on the file itself.
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === null || name === basename(path)) soon();
  });
  const regular = setInterval(soon, LOOK_MS).unref();
  return () => {
    stopped = true;
    watcher.close();
    clearInterval(regular);
    if (timer !== null) clearTimeout(timer);
  };
}
