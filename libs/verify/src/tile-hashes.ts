import { hash } from 'node:crypto';
import { EMPTY_ROOT, TILE_WIDTH } from '#tlog';

const HASH = 32;
const node = Buffer.alloc(1 + 2 * HASH);
node[0] = 0x01;
const work = Buffer.alloc(TILE_WIDTH * HASH);

/** RFC 6962 leaf hash of the entry at [at, at + length) of a bundle, written to `target`. `prefixed` is scratch space with 0x00 in front. */
export function writeLeafHash(bundle: Buffer, at: number, length: number, prefixed: Buffer, target: Buffer, to: number): void {
  bundle.copy(prefixed, 1, at, at + length);
  target.write(hash('sha256', prefixed.length === length + 1 ? prefixed : prefixed.subarray(0, length + 1), 'binary'), to, HASH, 'latin1');
}

/** Root of the perfect subtree over `count` (a power of two) hashes of `tile` from hash `first` on. */
export function perfectRoot(tile: Buffer, first: number, count: number): Buffer {
  tile.copy(work, 0, first * HASH, (first + count) * HASH);
  for (let width = count; width > 1; width /= 2) {
    for (let pair = 0; pair < width; pair += 2) {
      work.copy(node, 1, pair * HASH, (pair + 2) * HASH);
      work.write(hash('sha256', node, 'binary'), (pair / 2) * HASH, HASH, 'latin1');
    }
  }
  return Buffer.from(work.subarray(0, HASH));
}

export function parent(left: Buffer, right: Buffer): Buffer {
  left.copy(node, 1);
  right.copy(node, 1 + HASH);
  return Buffer.from(hash('sha256', node, 'binary'), 'binary');
}

/** Roots of the perfect subtrees over the first `count` hashes of a tile, largest first. */
export function peaksOf(tile: Buffer, count: number): Buffer[] {
  const peaks: Buffer[] = [];
  let at = 0;
  for (let width = TILE_WIDTH; width >= 1; width /= 2) {
    if ((count & width) === 0) continue;
    peaks.push(perfectRoot(tile, at, width));
    at += width;
  }
  return peaks;
}

/** Root over perfect subtrees, largest first; the empty tree's for none. */
export function bagPeaks(peaks: readonly Buffer[]): Buffer {
  let root = peaks.at(-1);
  if (root === undefined) return EMPTY_ROOT;
  for (let index = peaks.length - 2; index >= 0; index -= 1) root = parent(peaks[index]!, root);
  return root;
}
