import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent } from '#durable';
import { AffiantError } from '#errors';
import type { ObjectStore } from '#object-store';
import { isStampPath } from './stamp-path.js';
import type { StampStore } from './port.js';

const FOLDER = 'stamps';

/** In the directory of the tiles, for any static file server to hand out. */
export class FileStampStore implements StampStore {
  constructor(private readonly root: string) {}

  async put(path: string, bytes: Buffer): Promise<Buffer> {
    const file = join(this.root, checked(path));
    await makeDirectoryDurably(dirname(file));
    // A crash inside leaves no file or the whole file.
    if (await createFileDurably(file, bytes)) return bytes;
    return (await readFileIfPresent(file)) ?? bytes;
  }

  async get(path: string): Promise<Buffer | null> {
    return readFileIfPresent(join(this.root, checked(path)));
  }

  async list(): Promise<string[]> {
    const names = await readdir(join(this.root, FOLDER), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.map((name) => `${FOLDER}/${name.replaceAll('\\', '/')}`).filter(isStampPath);
  }
}

/** Beside the tiles of S3TileStore, under object lock. */
export class S3StampStore implements StampStore {
  constructor(private readonly objects: ObjectStore) {}

  async put(path: string, bytes: Buffer): Promise<Buffer> {
    const put = await this.objects.putOnce(`tiles/${checked(path)}`, bytes, { retain: true });
    return put === 'other' ? ((await this.get(path)) ?? bytes) : bytes;
  }

  async get(path: string): Promise<Buffer | null> {
    return this.objects.readOnce(`tiles/${checked(path)}`);
  }

  async list(): Promise<string[]> {
    const keys = await this.objects.list(`tiles/${FOLDER}`);
    return keys.map((key) => key.slice('tiles/'.length)).filter(isStampPath);
  }
}

/** In memory, for tests. */
export class MemoryStampStore implements StampStore {
  readonly files = new Map<string, Buffer>();

  async put(path: string, bytes: Buffer): Promise<Buffer> {
    if (!this.files.has(checked(path))) this.files.set(path, bytes);
    return this.files.get(path)!;
  }

  async get(path: string): Promise<Buffer | null> {
    return this.files.get(checked(path)) ?? null;
  }

  async list(): Promise<string[]> {
    return [...this.files.keys()];
  }
}

function checked(path: string): string {
  if (!isStampPath(path)) throw new AffiantError('usage_invalid', `not a place for a time stamp: ${path}`);
  return path;
}
