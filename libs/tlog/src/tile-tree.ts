import { AffiantError } from '#errors';
import { EMPTY_ROOT, foldPeaks, foldPerfect } from './hashing.js';
import { bundlePath, splitBundle, splitTile, TILE_WIDTH, tilePath, tileWidth } from './tile-path.js';
import type { TileStore } from './port.js';

const CACHED_TILES = 256;
/** Bundles asked of the store at the same time: more only wait for each other there, until the first gives up. */
const READ_AHEAD = 8;

/** Read side of a tree of `size` leaves kept as tiles: leaves, roots and proofs. */
export class TileTree {
  /** Promises, so that a tile asked for twice at the same time is read once. */
  readonly #tiles = new Map<string, Promise<Buffer[]>>();

  constructor(
    private readonly store: Pick<TileStore, 'get'>,
    readonly size: number,
  ) {}

  root(): Promise<Buffer> {
    return this.rootAt(this.size);
  }

  /** Root of the first `size` leaves. */
  async rootAt(size: number): Promise<Buffer> {
    this.#check(size <= this.size, `tree size ${size}`);
    return size === 0 ? EMPTY_ROOT : this.#range(0, size);
  }

  /** Bytes of the leaf. @throws AffiantError not_found, proof_invalid */
  async leaf(index: number): Promise<Buffer> {
    this.#check(index < this.size, `leaf ${index}`);
    return (await this.#bundle(Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH]!;
  }

  /** Bytes of the leaves [from, to), each bundle read once. @throws AffiantError not_found, proof_invalid */
  async leaves(from: number, to: number): Promise<Buffer[]> {
    this.#check(from <= to && to <= this.size, `leaves ${from} to ${to}`);
    const found: Buffer[] = [];
    while (found.length < to - from) {
      const tile = Math.floor((from + found.length) / TILE_WIDTH);
      const count = Math.min(READ_AHEAD, Math.ceil(to / TILE_WIDTH) - tile);
      const bundles = await Promise.all(Array.from({ length: count }, (_, index) => this.#bundle(tile + index)));
      const start = from + found.length - tile * TILE_WIDTH;
      found.push(...bundles.flat().slice(start, start + to - from - found.length));
    }
    return found;
  }

  /** Inclusion proof PATH(index, D[size]) of RFC 6962 §2.1.1, the leaf's sibling first. */
  async inclusionProof(index: number, size: number = this.size): Promise<Buffer[]> {
    this.#check(size <= this.size && index < size, `leaf ${index} in ${size}`);
    const proof: Buffer[] = [];
    let from = 0;
    let to = size;
    while (to - from > 1) {
      const middle = from + largestPowerBelow(to - from);
      if (index < middle) {
        proof.push(await this.#range(middle, to));
        to = middle;
      } else {
        proof.push(await this.#range(from, middle));
        from = middle;
      }
    }
    return proof.reverse();
  }

  /** Consistency proof PROOF(first, D[second]) of RFC 6962 §2.1.2; empty when first is 0 or equals second. */
  async consistencyProof(first: number, second: number = this.size): Promise<Buffer[]> {
    this.#check(second <= this.size && first <= second, `tree size ${first} of ${second}`);
    if (first === 0 || first === second) return [];
    const proof: Buffer[] = [];
    let from = 0;
    let to = second;
    // `whole` is the b flag of the RFC: the old tree's own root need not be told.
    let whole = true;
    while (first < to) {
      const middle = from + largestPowerBelow(to - from);
      if (first <= middle) {
        proof.push(await this.#range(middle, to));
        to = middle;
      } else {
        proof.push(await this.#range(from, middle));
        from = middle;
        whole = false;
      }
    }
    if (!whole) proof.push(await this.#range(from, to));
    return proof.reverse();
  }

  /** Root over leaves [from, to), where from is a multiple of the largest power of two in the width. */
  async #range(from: number, to: number): Promise<Buffer> {
    const peaks: Buffer[] = [];
    for (let at = from; at < to;) {
      let width = 1;
      let level = 0;
      while (at % (width * 2) === 0 && at + width * 2 <= to) {
        width *= 2;
        level += 1;
      }
      peaks.push(await this.#perfect(level, at / width));
      at += width;
    }
    return foldPeaks(peaks);
  }

  /** Root of the perfect subtree of height `level`, the `index`-th of its height. */
  async #perfect(level: number, index: number): Promise<Buffer> {
    const tileLevel = Math.floor(level / 8);
    const span = 2 ** (level % 8);
    const first = index * span;
    const tile = Math.floor(first / TILE_WIDTH);
    const hashes = await this.#read((width) => tilePath(tileLevel, tile, width), tileWidth(tileLevel, tile, this.size), splitTile);
    return foldPerfect(hashes.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + span));
  }

  #bundle(tile: number): Promise<Buffer[]> {
    return this.#read((width) => bundlePath(tile, width), tileWidth(0, tile, this.size), splitBundle);
  }

  #read(pathOf: (width: number) => string, width: number, split: typeof splitTile): Promise<Buffer[]> {
    const path = pathOf(width);
    const cached = this.#tiles.get(path);
    if (cached !== undefined) return cached;
    const read = this.#load(pathOf, width, split).then((parts) => {
      if (parts === null) throw new AffiantError('proof_invalid', 'a tile is missing or damaged', { where: path });
      return parts;
    });
    if (this.#tiles.size >= CACHED_TILES) this.#tiles.delete(this.#tiles.keys().next().value!);
    this.#tiles.set(path, read);
    // A failure is not remembered: the store may answer the next time.
    read.catch(() => this.#tiles.delete(path));
    return read;
  }

  async #load(pathOf: (width: number) => string, width: number, split: typeof splitTile): Promise<Buffer[] | null> {
    const bytes = await this.store.get(pathOf(width));
    if (bytes !== null) return split(bytes, width);
    // A partial tile may have been deleted when its full one came (C2SP tlog-tiles, "Partial Tiles").
    const full = width < TILE_WIDTH ? await this.store.get(pathOf(TILE_WIDTH)) : null;
    return full === null ? null : (split(full, TILE_WIDTH)?.slice(0, width) ?? null);
  }

  #check(inside: boolean, what: string): void {
    if (!inside) throw new AffiantError('not_found', `${what} is outside the tree of ${this.size} leaves`);
  }
}

function largestPowerBelow(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}
