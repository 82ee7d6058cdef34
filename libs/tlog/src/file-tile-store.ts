import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import { isTilePath } from './tile-path.js';
import type { TileStore } from './port.js';

const KNOWN_DIRECTORIES = 1024;

/** Tiles as files below one directory, in the layout any static file server can hand out as a C2SP log. */
export class FileTileStore implements TileStore {
  readonly #made = new Set<string>();

  constructor(private readonly root: string) {}

  async put(path: string, bytes: Buffer): Promise<void> {
    const file = this.#file(path);
    await this.#makeDirectory(dirname(file));
    // A crash inside leaves no tile or the whole tile; the recomputed round writes the same bytes again.
    if (await createFileDurably(file, bytes)) return;
    const there = await readFileIfPresent(file);
    if (there === null || !there.equals(bytes))
      throw new AffiantError('ledger_conflict', 'a stored tile holds other bytes', { where: path });
  }

  async get(path: string): Promise<Buffer | null> {
    return readFileIfPresent(this.#file(path));
  }

  async publish(note: string): Promise<void> {
    await this.#makeDirectory(this.root);
    await writeFileDurably(join(this.root, 'checkpoint'), note);
  }

  async prune(directories: readonly string[]): Promise<void> {
    for (const directory of directories) {
      const full = directory.replace(/\.p$/, '');
      if (full === directory || (await this.get(full)) === null) continue;
      await rm(join(this.root, directory), { recursive: true, force: true });
      this.#made.delete(join(this.root, directory));
    }
  }

  async #makeDirectory(directory: string): Promise<void> {
    if (this.#made.has(directory)) return;
    await makeDirectoryDurably(directory);
    if (this.#made.size >= KNOWN_DIRECTORIES) this.#made.clear();
    this.#made.add(directory);
  }

  #file(path: string): string {
    if (!isTilePath(path)) throw new AffiantError('usage_invalid', `not a tile path: ${path}`);
    return join(this.root, path);
  }
}
