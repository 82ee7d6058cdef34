import { AffiantError } from '#errors';
import type { ObjectStore } from '#object-store';
import type { TileStore } from '../port.js';
import { isTilePath } from '../tile-path.js';

const FOLDER = 'tiles';

/**
 * Tiles as objects below `tiles/`, in the layout of C2SP tlog-tiles. Full tiles are under object lock. A partial tile is not: the full
 * tile that replaces it within minutes holds all it held, so it is deleted then; a retention would keep up to 255 copies of each tile for
 * years and protect nothing that the signed checkpoint does not prove.
 */
export class S3TileStore implements TileStore {
  constructor(private readonly objects: ObjectStore) {}

  async put(path: string, bytes: Buffer): Promise<void> {
    // A crash inside leaves no tile or the whole tile; the recomputed round writes the same bytes again.
    const put = await this.objects.putOnce(keyOf(path), bytes, { retain: !isPartial(path) });
    if (put === 'other') throw new AffiantError('ledger_conflict', 'a stored tile holds other bytes', { where: path });
  }

  async get(path: string): Promise<Buffer | null> {
    return this.objects.readOnce(keyOf(path));
  }

  async publish(note: string): Promise<void> {
    await this.objects.replace(`${FOLDER}/checkpoint`, Buffer.from(note));
  }

  async prune(directories: readonly string[]): Promise<void> {
    for (const directory of directories) {
      const full = directory.replace(/\.p$/, '');
      if (full === directory || (await this.get(full)) === null) continue;
      await this.objects.remove(`${FOLDER}/${directory}`);
    }
  }
}

const isPartial = (path: string): boolean => path.includes('.p/');

function keyOf(path: string): string {
  if (!isTilePath(path)) throw new AffiantError('usage_invalid', `not a tile path: ${path}`);
  return `${FOLDER}/${path}`;
}
