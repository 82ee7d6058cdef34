import { isDeepStrictEqual } from 'node:util';
import { AffiantError } from '#errors';
import { isTilePath } from './tile-path.js';
import type { CheckpointStore, SealedState, TileStore } from './port.js';

/** Tiles in memory, for tests and for verifying what was carried in a packet. */
export class MemoryTileStore implements TileStore {
  readonly tiles = new Map<string, Buffer>();
  checkpoint: string | null = null;

  async put(path: string, bytes: Buffer): Promise<void> {
    if (!isTilePath(path)) throw new AffiantError('usage_invalid', `not a tile path: ${path}`);
    const there = this.tiles.get(path);
    if (there !== undefined && !there.equals(bytes)) {
      throw new AffiantError('ledger_conflict', 'a stored tile holds other bytes', { where: path });
    }
    this.tiles.set(path, Buffer.from(bytes));
  }

  async get(path: string): Promise<Buffer | null> {
    return this.tiles.get(path) ?? null;
  }

  async publish(note: string): Promise<void> {
    this.checkpoint = note;
  }

  async prune(directories: readonly string[]): Promise<void> {
    for (const directory of directories) {
      if (!this.tiles.has(directory.replace(/\.p$/, ''))) continue;
      for (const path of this.tiles.keys()) if (path.startsWith(`${directory}/`)) this.tiles.delete(path);
    }
  }
}

/** Sealed state in memory, for tests. */
export class MemoryCheckpointStore implements CheckpointStore {
  #state: string | null = null;

  async fetch(): Promise<SealedState | null> {
    return this.#read();
  }

  async replace(old: SealedState | null, next: SealedState): Promise<void> {
    // No await between compare and swap: they must be one step.
    if (!isDeepStrictEqual(this.#read(), old)) {
      throw new AffiantError('ledger_conflict', 'the sealed state was changed by someone else');
    }
    this.#state = JSON.stringify(next);
  }

  #read(): SealedState | null {
    return this.#state === null ? null : (JSON.parse(this.#state) as SealedState);
  }
}
