import { AffiantError } from '#errors';
import { EMPTY_ROOT, foldPeaks, foldPerfect, leafHash } from './hashing.js';
import { bundlePath, joinBundle, splitBundle, splitTile, TILE_WIDTH, tilePath, tileWidth } from './tile-path.js';
import type { TileStore } from './port.js';

/** A tile or bundle to store. */
export interface TileFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** What extending a tree gives: nothing is changed in the edge it was computed from. */
export interface Extension {
  readonly edge: TreeEdge;
  readonly leafHashes: readonly Buffer[];
  /** New full and partial tiles and bundles; a pure function of the old tree and the leaves. */
  readonly files: readonly TileFile[];
  /**
   * Directories of partial tiles that full ones have replaced; they may go once the new checkpoint is published. Only where the tree ended before can
   * there be any: a tile that was begun and filled in one step was never stored in part, and looking for it costs more than sealing it.
   */
  readonly superseded: readonly string[];
}

/**
 * The right edge of a tree: its partial tiles and partial entry bundle, which is all that appending needs.
 * A value: extending it gives a new edge, so that a round can be computed, dropped and computed again to the same bytes.
 */
export class TreeEdge {
  static readonly empty = new TreeEdge(0, [], []);

  private constructor(
    readonly size: number,
    /** Hashes of the partial tile of each level, level 0 first. */
    private readonly levels: readonly (readonly Buffer[])[],
    private readonly entries: readonly Buffer[],
  ) {}

  /** Reads the edge of the tree of `size` leaves. @throws AffiantError ledger_conflict when a tile is missing or damaged. */
  static async load(store: TileStore, size: number): Promise<TreeEdge> {
    const levels: Buffer[][] = [];
    for (let level = 0; TILE_WIDTH ** level <= size; level += 1) {
      const index = Math.floor(size / TILE_WIDTH ** (level + 1));
      const width = tileWidth(level, index, size);
      levels.push(width === 0 ? [] : await read(store, tilePath(level, index, width), width, splitTile));
    }
    const index = Math.floor(size / TILE_WIDTH);
    const width = size % TILE_WIDTH;
    const entries = width === 0 ? [] : await read(store, bundlePath(index, width), width, splitBundle);
    entries.forEach((entry, at) => {
      if (!leafHash(entry).equals(levels[0]![at]!)) throw damaged(bundlePath(index, width));
    });
    return new TreeEdge(size, levels, entries);
  }

  root(): Buffer {
    const peaks: Buffer[] = [];
    for (let level = this.levels.length - 1; level >= 0; level -= 1) peaks.push(...perfectPeaks(this.levels[level]!));
    return peaks.length === 0 ? EMPTY_ROOT : foldPeaks(peaks);
  }

  /** Appends leaves of at most 65,535 bytes each (the bundle's length prefix). */
  extend(leaves: readonly Buffer[]): Extension {
    const levels = this.levels.map((hashes) => [...hashes]);
    let entries = [...this.entries];
    const files: TileFile[] = [];
    const superseded: string[] = [];
    const leafHashes: Buffer[] = [];
    const dirty = new Set<number>();
    let size = this.size;

    const push = (level: number, hash: Buffer): void => {
      const tile = (levels[level] ??= []);
      tile.push(hash);
      dirty.add(level);
      if (tile.length < TILE_WIDTH) return;
      const index = Math.floor(size / TILE_WIDTH ** (level + 1)) - 1;
      files.push({ path: tilePath(level, index), bytes: Buffer.concat(tile) });
      if (this.#hadPart(level, index)) superseded.push(`${tilePath(level, index)}.p`);
      levels[level] = [];
      push(level + 1, foldPerfect(tile));
    };

    for (const leaf of leaves) {
      const hash = leafHash(leaf);
      leafHashes.push(hash);
      entries.push(leaf);
      size += 1;
      if (entries.length === TILE_WIDTH) {
        const index = size / TILE_WIDTH - 1;
        files.push({ path: bundlePath(index), bytes: joinBundle(entries) });
        if (this.#hadPart(0, index)) superseded.push(`${bundlePath(index)}.p`);
        entries = [];
      }
      push(0, hash);
    }
    for (const level of dirty) {
      const tile = levels[level]!;
      const index = Math.floor(size / TILE_WIDTH ** (level + 1));
      if (tile.length > 0) files.push({ path: tilePath(level, index, tile.length), bytes: Buffer.concat(tile) });
    }
    if (leaves.length > 0 && entries.length > 0) {
      files.push({ path: bundlePath(Math.floor(size / TILE_WIDTH), entries.length), bytes: joinBundle(entries) });
    }
    return { edge: new TreeEdge(size, levels, entries), leafHashes, files, superseded };
  }

  /** The tile of that level was partial at the end of this tree; a bundle is so together with its tile of level 0. */
  #hadPart(level: number, index: number): boolean {
    return (this.levels[level]?.length ?? 0) > 0 && index === Math.floor(this.size / TILE_WIDTH ** (level + 1));
  }
}

/** Roots of the perfect subtrees over equally large neighbours, largest first: one per 1 bit of their number. */
function perfectPeaks(hashes: readonly Buffer[]): Buffer[] {
  const peaks: Buffer[] = [];
  let at = 0;
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if ((hashes.length & width) === 0) continue;
    peaks.push(foldPerfect(hashes.slice(at, at + width)));
    at += width;
  }
  return peaks;
}

type Split = (bytes: Buffer, width: number) => Buffer[] | null;

async function read(store: TileStore, path: string, width: number, split: Split): Promise<Buffer[]> {
  const bytes = await store.get(path);
  const parts = bytes === null ? null : split(bytes, width);
  if (parts === null) throw damaged(path);
  return parts;
}

function damaged(path: string): AffiantError {
  return new AffiantError('ledger_conflict', 'a tile of the sealed tree is missing or damaged', { where: path });
}
