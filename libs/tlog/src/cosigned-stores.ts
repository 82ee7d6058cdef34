import { join } from 'node:path';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import type { ObjectStore } from '#object-store';
import type { CosignedStore } from './port.js';

const NEWEST = 'checkpoint.cosigned';

/** `cosigned/<size>`. @throws AffiantError usage_invalid */
export function cosignedPath(size: number): string {
  if (!Number.isSafeInteger(size) || size < 0) throw new AffiantError('usage_invalid', `not a tree size: ${size}`);
  return `cosigned/${size}`;
}

/** In the directory of the tiles, for any static file server to hand out. */
export class FileCosignedStore implements CosignedStore {
  constructor(private readonly root: string) {}

  async put(size: number, note: string): Promise<string> {
    await makeDirectoryDurably(join(this.root, 'cosigned'));
    if (await createFileDurably(join(this.root, cosignedPath(size)), note)) return note;
    return (await this.get(size)) ?? note;
  }

  async get(size: number): Promise<string | null> {
    return (await readFileIfPresent(join(this.root, cosignedPath(size))))?.toString('utf8') ?? null;
  }

  async publish(note: string): Promise<void> {
    await makeDirectoryDurably(this.root);
    await writeFileDurably(join(this.root, NEWEST), note);
  }

  async latest(): Promise<string | null> {
    return (await readFileIfPresent(join(this.root, NEWEST)))?.toString('utf8') ?? null;
  }
}

/** Beside the tiles of S3TileStore; those of one size each are under object lock. */
export class S3CosignedStore implements CosignedStore {
  constructor(private readonly objects: ObjectStore) {}

  async put(size: number, note: string): Promise<string> {
    const put = await this.objects.putOnce(`tiles/${cosignedPath(size)}`, Buffer.from(note), { retain: true });
    return put === 'other' ? ((await this.get(size)) ?? note) : note;
  }

  async get(size: number): Promise<string | null> {
    return (await this.objects.readOnce(`tiles/${cosignedPath(size)}`))?.toString('utf8') ?? null;
  }

  async publish(note: string): Promise<void> {
    await this.objects.replace(`tiles/${NEWEST}`, Buffer.from(note));
  }

  async latest(): Promise<string | null> {
    return (await this.objects.read(`tiles/${NEWEST}`))?.toString('utf8') ?? null;
  }
}

/** In memory, for tests. */
export class MemoryCosignedStore implements CosignedStore {
  readonly notes = new Map<number, string>();
  #newest: string | null = null;

  async put(size: number, note: string): Promise<string> {
    if (!this.notes.has(size)) this.notes.set(size, note);
    return this.notes.get(size)!;
  }

  async get(size: number): Promise<string | null> {
    return this.notes.get(size) ?? null;
  }

  async publish(note: string): Promise<void> {
    this.#newest = note;
  }

  async latest(): Promise<string | null> {
    return this.#newest;
  }
}
