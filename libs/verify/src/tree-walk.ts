import { bundlePath, LEAF_BYTES, TILE_WIDTH, tilePath, tileWidth } from '#tlog';
import type { Findings } from './finding.js';
import type { LeafChains } from './leaf-chains.js';
import type { LogSource } from './log-source.js';
import { bagPeaks, peaksOf, perfectRoot, writeLeafHash } from './tile-hashes.js';

const HASH = 32;
const ENTRY = 2 + LEAF_BYTES;

/** A stored tile that is not what its children give. */
export interface Mismatch {
  readonly level: number;
  readonly tile: number;
  /** First hash of the tile that differs. */
  readonly entry: number;
  /** For level 0: the entries of the bundle that differ, at most 256. */
  readonly entries: readonly number[];
}

/**
 * One pass over a log: every leaf hashed, every tile recomputed from the leaves and compared with the stored one. What is missing is a finding
 * at once; what differs is kept, because only the signed root tells whether the tile or the leaf is the altered one.
 */
export class TreeWalk {
  readonly mismatches: Mismatch[] = [];
  /** False once something could be neither read nor replaced: there is no root then. */
  complete = true;
  readonly #levels: Buffer[] = [];
  readonly #filled: number[] = [];
  readonly #prefixed = Buffer.alloc(1 + LEAF_BYTES);
  readonly #wanted: number[];
  readonly #roots = new Map<number, Buffer>();

  /** @param wanted tree sizes whose roots are asked for afterwards. */
  constructor(
    private readonly source: LogSource,
    private readonly size: number,
    private readonly findings: Findings,
    private readonly chains: LeafChains,
    wanted: readonly number[],
  ) {
    this.#wanted = [...new Set(wanted.filter((one) => one <= size))].sort((a, b) => a - b);
  }

  /** Root of the first `size` leaves; null when they could not all be read. */
  root(size: number): Buffer | null {
    return this.#roots.get(size) ?? null;
  }

  async run(onProgress?: (leaves: number) => void): Promise<void> {
    let next = 0;
    const give = (upTo: number, tile: Buffer | null): void => {
      for (; next < this.#wanted.length && this.#wanted[next]! <= upTo; next += 1) {
        const size = this.#wanted[next]!;
        this.#roots.set(size, bagPeaks([...this.#upperPeaks(), ...(tile === null ? [] : peaksOf(tile, size % TILE_WIDTH))]));
      }
    };
    give(0, null);
    for (let index = 0; index * TILE_WIDTH < this.size; index += 1) {
      const width = tileWidth(0, index, this.size);
      const computed = await this.#bundle(index, width);
      const end = index * TILE_WIDTH + width;
      if (computed === null) {
        this.complete = false;
        return;
      }
      give(end - (width === TILE_WIDTH ? 1 : 0), computed);
      if (width === TILE_WIDTH) {
        await this.#push(1, perfectRoot(computed, 0, TILE_WIDTH));
        give(end, null);
      }
      if (index % 64 === 63) {
        onProgress?.(end);
        // Reads of a directory are synchronous: without a turn of the event loop neither a signal nor a progress line gets through.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    for (let level = 1; level < this.#levels.length; level += 1) {
      const count = this.#filled[level]!;
      if (count > 0)
        await this.#compare(level, Math.floor(this.size / TILE_WIDTH ** (level + 1)), this.#levels[level]!.subarray(0, count * HASH));
    }
    onProgress?.(this.size);
  }

  /** Hashes of one bundle; the stored tile's in place of entries that are not there. Null when neither can be read. */
  async #bundle(index: number, width: number): Promise<Buffer | null> {
    const path = bundlePath(index, width);
    const bytes = await read(this.source, (one) => bundlePath(index, one), width, ENTRY);
    const tile = await read(this.source, (one) => tilePath(0, index, one), width, HASH);
    if (tile === null || tile.length !== width * HASH) {
      this.#tileFault(tilePath(0, index, width), tile, width);
    }
    const stored = tile?.length === width * HASH ? tile : null;
    const fault = bytes === null ? 'missing' : bundleFault(bytes, width, index * TILE_WIDTH);
    if (bytes === null || fault !== null) {
      if (bytes === null)
        this.findings.add('bundle_missing', path, `leaves ${index * TILE_WIDTH} to ${index * TILE_WIDTH + width - 1} are not there`);
      else this.findings.add('bundle_malformed', path, fault ?? '');
      this.chains.skip();
      return stored;
    }
    const computed = Buffer.allocUnsafe(width * HASH);
    for (let entry = 0; entry < width; entry += 1)
      writeLeafHash(bytes, entry * ENTRY + 2, LEAF_BYTES, this.#prefixed, computed, entry * HASH);
    const differ = stored === null || stored.equals(computed) ? [] : differing(stored, computed);
    if (differ.length > 0) this.mismatches.push({ level: 0, tile: index, entry: differ[0]!, entries: differ });
    for (let entry = 0, at = 0; entry < width; entry += 1) {
      if (differ[at] === entry) {
        at += 1;
        this.chains.skip();
      } else this.chains.read(bytes, entry * ENTRY + 2, LEAF_BYTES, index * TILE_WIDTH + entry);
    }
    return computed;
  }

  async #push(level: number, hash: Buffer): Promise<void> {
    const tile = (this.#levels[level] ??= Buffer.alloc(TILE_WIDTH * HASH));
    const filled = this.#filled[level] ?? 0;
    hash.copy(tile, filled * HASH);
    this.#filled[level] = filled + 1;
    if (filled + 1 < TILE_WIDTH) return;
    this.#filled[level] = 0;
    const count = (this.#tiles[level] = (this.#tiles[level] ?? 0) + 1);
    await this.#compare(level, count - 1, tile);
    await this.#push(level + 1, perfectRoot(tile, 0, TILE_WIDTH));
  }

  readonly #tiles: number[] = [];

  async #compare(level: number, index: number, computed: Buffer): Promise<void> {
    const width = computed.length / HASH;
    const stored = await read(this.source, (one) => tilePath(level, index, one), width, HASH);
    if (stored === null || stored.length !== computed.length) return this.#tileFault(tilePath(level, index, width), stored, width);
    if (!stored.equals(computed)) this.mismatches.push({ level, tile: index, entry: differing(stored, computed)[0]!, entries: [] });
  }

  #tileFault(path: string, bytes: Buffer | null, width: number): void {
    if (bytes === null) this.findings.add('tile_missing', path, 'the tile is not there');
    else this.findings.add('tile_altered', path, `it has ${bytes.length} bytes and not ${width * HASH}`);
  }

  /** Peaks of the whole 256-leaf tiles so far, largest first. */
  #upperPeaks(): Buffer[] {
    const peaks: Buffer[] = [];
    for (let level = this.#levels.length - 1; level >= 1; level -= 1) peaks.push(...peaksOf(this.#levels[level]!, this.#filled[level]!));
    return peaks;
  }
}

/** A file of `width` parts, or the first ones of the full file when the partial one was deleted after the full one came (C2SP tlog-tiles). */
export async function read(source: LogSource, pathOf: (width: number) => string, width: number, part: number): Promise<Buffer | null> {
  const bytes = await source.get(pathOf(width));
  if (bytes !== null || width === TILE_WIDTH) return bytes;
  const full = await source.get(pathOf(TILE_WIDTH));
  return full?.length === TILE_WIDTH * part ? full.subarray(0, width * part) : full;
}

/** Why the bytes are not `width` entries of 187 bytes; null when they are. */
export function bundleFault(bytes: Buffer, width: number, first: number): string | null {
  for (let entry = 0; entry < width; entry += 1) {
    const at = entry * ENTRY;
    if (at + ENTRY > bytes.length) return `it ends inside leaf ${first + entry}: ${bytes.length} bytes and not ${width * ENTRY}`;
    const length = bytes.readUInt16BE(at);
    if (length !== LEAF_BYTES) return `leaf ${first + entry} is said to have ${length} bytes and not ${LEAF_BYTES}`;
  }
  return bytes.length === width * ENTRY ? null : `${bytes.length - width * ENTRY} bytes follow its last leaf`;
}

function differing(a: Buffer, b: Buffer): number[] {
  const differ: number[] = [];
  for (let at = 0; at < a.length; at += HASH) if (a.compare(b, at, at + HASH, at, at + HASH) !== 0) differ.push(at / HASH);
  return differ;
}
