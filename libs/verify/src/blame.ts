import { bundlePath, TILE_WIDTH, tilePath, tileWidth } from '#tlog';
import type { Findings } from './finding.js';
import type { LogSource } from './log-source.js';
import { bagPeaks, peaksOf, perfectRoot } from './tile-hashes.js';
import { read, type Mismatch } from './tree-walk.js';

const HASH = 32;

/**
 * Says which of two stored things is the altered one, where a tile is not what its children give. When the leaves lead to the signed root, it is
 * the tile. Else the tiles are followed from the signed root down: below a tile that the root vouches for, what differs is the leaf.
 */
export async function blame(
  source: LogSource,
  size: number,
  root: Buffer,
  leavesAreTrue: boolean,
  mismatches: readonly Mismatch[],
  findings: Findings,
): Promise<void> {
  const tiles = new VouchedTiles(source, size, root);
  const ordered = [...mismatches].sort((a, b) => a.level - b.level || a.tile - b.tile);
  for (const { level, tile, entry, entries } of ordered) {
    const path = tilePath(level, tile, tileWidth(level, tile, size));
    const vouched = !leavesAreTrue && (await tiles.vouched(level, tile));
    if (!vouched) findings.add('tile_altered', path, `its hash ${entry} is not what lies below it gives`);
    else if (level === 0) for (const one of entries) leafAltered(tile, one, size, findings);
    else if (!ordered.some((below) => isBelow(below, level, tile * TILE_WIDTH + entry))) {
      // Leaves and the tiles over them were altered together: the first tile that the root vouches for tells where.
      const span = TILE_WIDTH ** level;
      const first = (tile * TILE_WIDTH + entry) * span;
      const where = `leaves ${first} to ${first + span - 1}`;
      findings.add('leaf_altered', where, `they and the tiles over them up to level ${level - 1} are not those of the signed tree`);
    }
  }
}

/** True when the tile lies under node `index` of the level of `level`'s hashes. */
function isBelow(below: Mismatch, level: number, index: number): boolean {
  if (below.level >= level) return false;
  return Math.floor(below.tile / TILE_WIDTH ** (level - 1 - below.level)) === index;
}

function leafAltered(tile: number, entry: number, size: number, findings: Findings): void {
  const path = bundlePath(tile, tileWidth(0, tile, size));
  findings.add(
    'leaf_altered',
    `leaf ${tile * TILE_WIDTH + entry}`,
    `entry ${entry} of ${path} is not the leaf that the signed tree has there`,
  );
}

/** Tiles that lead up to the signed root. */
export class VouchedTiles {
  readonly #known = new Map<string, Buffer | null>();
  #top: boolean | null = null;

  constructor(
    private readonly source: LogSource,
    private readonly size: number,
    private readonly root: Buffer,
  ) {}

  async vouched(level: number, tile: number): Promise<boolean> {
    return (await this.hashes(level, tile)) !== null;
  }

  /** Hashes of the tile; null when they do not lead to the signed root. */
  async hashes(level: number, tile: number): Promise<Buffer | null> {
    const path = tilePath(level, tile, tileWidth(level, tile, this.size));
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const hashes = await this.#check(level, tile);
    // Only tiles on the way to the root are kept for long; the rest are read once each.
    if (this.#known.size > 4096) this.#known.clear();
    this.#known.set(path, hashes);
    return hashes;
  }

  async #check(level: number, tile: number): Promise<Buffer | null> {
    const width = tileWidth(level, tile, this.size);
    const bytes = await this.#stored(level, tile, width);
    if (bytes === null) return null;
    if (width < TILE_WIDTH) return (await this.#edgeHolds()) ? bytes : null;
    const above = await this.hashes(level + 1, Math.floor(tile / TILE_WIDTH));
    const at = (tile % TILE_WIDTH) * HASH;
    return above !== null && perfectRoot(bytes, 0, TILE_WIDTH).equals(above.subarray(at, at + HASH)) ? bytes : null;
  }

  /** The partial tiles of the right edge are the peaks of the tree: together they give the root. */
  async #edgeHolds(): Promise<boolean> {
    if (this.#top !== null) return this.#top;
    const peaks: Buffer[] = [];
    for (let level = 0; TILE_WIDTH ** level <= this.size; level += 1) {
      const tile = Math.floor(this.size / TILE_WIDTH ** (level + 1));
      const width = tileWidth(level, tile, this.size);
      if (width === 0) continue;
      const bytes = await this.#stored(level, tile, width);
      if (bytes === null) return (this.#top = false);
      peaks.unshift(...peaksOf(bytes, width));
    }
    return (this.#top = bagPeaks(peaks).equals(this.root));
  }

  async #stored(level: number, tile: number, width: number): Promise<Buffer | null> {
    const bytes = await read(this.source, (one) => tilePath(level, tile, one), width, HASH);
    return bytes?.length === width * HASH ? bytes : null;
  }
}
