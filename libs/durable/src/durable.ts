import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

export interface DurableFileOptions {
  /** Permission bits; 0o600 unless given: what we keep is nobody else's to read. */
  readonly mode?: number;
}

/**
 * Replaces `path` by `bytes` atomically. When it resolves the new content survives a power cut.
 * Syscall order: open(temp, O_EXCL) write fsync close, rename(temp, path), fsync(directory).
 * A crash before the rename leaves the old file and a stray `.tmp-*` beside it; after it, the new file. Never a mixture, never an empty file.
 */
export async function writeFileDurably(path: string, bytes: Uint8Array | string, options: DurableFileOptions = {}): Promise<void> {
  const temp = await writeTemp(path, bytes, options);
  try {
    await rename(temp, path);
  } catch (cause) {
    await rm(temp, { force: true });
    throw cause;
  }
  await syncDirectory(dirname(path));
}

/**
 * Creates `path` once. False when it was there before; then nothing is changed (compare what is there yourself).
 * Syscall order: as above with link(2) in place of rename(2), because link refuses to replace: two racing creators cannot both win.
 * A crash leaves no file, or the whole file; and perhaps a stray `.tmp-*`.
 */
export async function createFileDurably(path: string, bytes: Uint8Array | string, options: DurableFileOptions = {}): Promise<boolean> {
  const temp = await writeTemp(path, bytes, options);
  let created = true;
  try {
    await link(temp, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    created = false;
  } finally {
    await rm(temp, { force: true });
  }
  // Also when it was there before: its creator may have crashed between link and this fsync.
  await syncDirectory(dirname(path));
  return created;
}

/** Deletes `path` (absent is fine); when it resolves it stays deleted after a power cut. */
export async function removeFileDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
}

/** Creates a directory and its missing parents, and fsyncs each parent that got a new entry. */
export async function makeDirectoryDurably(path: string, mode = 0o700): Promise<void> {
  const wanted = resolve(path);
  const missing: string[] = [];
  for (let at = wanted; !(await isDirectory(at)); at = dirname(at)) missing.unshift(at);
  for (const directory of missing) {
    await mkdir(directory, { recursive: true, mode });
    await syncDirectory(dirname(directory));
  }
}

/** Makes creations, renames and deletions in `path` survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Content of `path`, or null when there is no such file. */
export async function readFileIfPresent(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
  throw Object.assign(new Error(`${path} is not a directory`), { code: 'ENOTDIR' });
}

/** The temp file is in the same directory: rename and link do not cross file systems. */
async function writeTemp(path: string, bytes: Uint8Array | string, { mode = 0o600 }: DurableFileOptions): Promise<string> {
  const temp = join(dirname(path), `.tmp-${basename(path)}-${randomBytes(6).toString('hex')}`);
  const file = await open(temp, 'wx', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (cause) {
    await rm(temp, { force: true });
    throw cause;
  } finally {
    await file.close();
  }
  return temp;
}
