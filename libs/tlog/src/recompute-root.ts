import { EMPTY_ROOT, foldPeaks, leafHash, nodeHash } from './hashing.js';

/** Root of a growing tree in O(log n) memory: the roots of its perfect subtrees, largest first (a compact range from 0). */
export class RootBuilder {
  readonly #peaks: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Appends a leaf by its leaf hash. */
  append(hash: Buffer): void {
    let top = hash;
    for (let bits = this.#size; bits % 2 === 1; bits = (bits - 1) / 2) top = nodeHash(this.#peaks.pop()!, top);
    this.#peaks.push(top);
    this.#size += 1;
  }

  root(): Buffer {
    return this.#size === 0 ? EMPTY_ROOT : foldPeaks(this.#peaks);
  }
}

/** Tree size and root over leaves in index order; memory does not grow with their number. */
export function recomputeRoot(leaves: Iterable<Uint8Array>): { readonly size: number; readonly root: Buffer } {
  const builder = new RootBuilder();
  for (const leaf of leaves) builder.append(leafHash(leaf));
  return { size: builder.size, root: builder.root() };
}
