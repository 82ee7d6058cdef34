import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createFileDurably, removeFileDurably } from './durable.js';

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the single-writer lock of an existing directory, or answers null when another holder lives (in this or another process).
 *
 * Linux: a listening socket in the abstract namespace, named after the directory's device and inode. Chosen over a pid file because the
 * kernel drops the name at the very moment the holder dies (kill -9 included) and bind(2) is atomic: no stale lock, no takeover race between
 * two starters, nothing to misread when a pid is used again, and every path to the same directory gives the same name.
 * Its limit: the name is seen within one network namespace. Two containers that share a volume but not the network are not kept
 * apart by it; the journal notices them when it creates its next segment, which must not exist yet.
 *
 * Elsewhere: a pid file. A pid used again by a stranger keeps it locked until somebody deletes the file, which errs on the safe side.
 */
export async function lockDirectory(directory: string, purpose = 'writer'): Promise<DirectoryLock | null> {
  return process.platform === 'linux' ? lockByAbstractSocket(directory, purpose) : lockByPidFile(directory, purpose);
}

async function lockByAbstractSocket(directory: string, purpose: string): Promise<DirectoryLock | null> {
  const { dev, ino } = await stat(directory, { bigint: true });
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: `\0affiant/${purpose}/${dev}-${ino}`, exclusive: true }, resolve);
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw cause;
  }
  // A lock alone must not keep the process alive.
  server.unref();
  return { release: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

export async function lockByPidFile(directory: string, purpose: string): Promise<DirectoryLock | null> {
  const path = join(directory, `.${purpose}.lock`);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (await createFileDurably(path, `${process.pid}\n`)) return { release: () => removeFileDurably(path) };
    if (isAlive(Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10))) return null;
    await removeFileDurably(path);
  }
  return null;
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
