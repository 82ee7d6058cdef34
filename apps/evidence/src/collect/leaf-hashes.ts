import { AffiantError } from '#errors';
import { EMPTY_ROOT, nodeHash, RootBuilder } from '#tlog';
import { EVENTS_IN_TREE } from '../catalog/gate-queries.js';
import type { QueryRunner } from './query-runner.js';

const HASH = 32;
/** Perfect subtrees of this width are remembered for proofs. */
const BLOCK = 1024;

/** Leaf hashes of the first `size` leaves in memory (32 bytes each): gives the root and inclusion proofs without the log's own tiles. */
export class LeafHashes {
  readonly size: number;
  readonly #hashes: Buffer;
  readonly #blocks = new Map<number, Buffer>();

  constructor(hashes: Buffer) {
    this.#hashes = hashes;
    this.size = hashes.length / HASH;
  }

  root(): Buffer {
    const builder = new RootBuilder();
    for (let index = 0; index < this.size; index++) builder.append(this.#leaf(index));
    return this.size === 0 ? EMPTY_ROOT : builder.root();
  }

  /** PATH(index, D[size]) of RFC 6962 §2.1.1, the leaf's sibling first. */
  inclusionProof(index: number): Buffer[] {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size)
      throw new AffiantError('not_found', `leaf ${index} is outside the tree`);
    const proof: Buffer[] = [];
    let [from, to] = [0, this.size];
    while (to - from > 1) {
      const middle = from + powerBelow(to - from);
      if (index < middle) {
        proof.push(this.#range(middle, to));
        to = middle;
      } else {
        proof.push(this.#range(from, middle));
        from = middle;
      }
    }
    return proof.reverse();
  }

  /** PROOF(first, D[size]) of RFC 6962 §2.1.2; empty when first is 0 or the size. */
  consistencyProof(first: number): Buffer[] {
    if (!Number.isSafeInteger(first) || first < 0 || first > this.size)
      throw new AffiantError('not_found', `a tree of ${first} leaves is not part of this one`);
    if (first === 0 || first === this.size) return [];
    const proof: Buffer[] = [];
    let [from, to] = [0, this.size];
    // The b flag of the RFC: the old tree's own root need not be told.
    let whole = true;
    while (first < to) {
      const middle = from + powerBelow(to - from);
      if (first <= middle) {
        proof.push(this.#range(middle, to));
        to = middle;
      } else {
        proof.push(this.#range(from, middle));
        from = middle;
        whole = false;
      }
    }
    if (!whole) proof.push(this.#range(from, to));
    return proof.reverse();
  }

  #leaf(index: number): Buffer {
    return this.#hashes.subarray(index * HASH, (index + 1) * HASH);
  }

  /** MTH(D[from:to]) of RFC 6962 §2.1. */
  #range(from: number, to: number): Buffer {
    const width = to - from;
    if (width === 1) return this.#leaf(from);
    const keep = width === BLOCK && from % BLOCK === 0;
    const known = keep ? this.#blocks.get(from) : undefined;
    if (known !== undefined) return known;
    const middle = from + powerBelow(width);
    const hash = nodeHash(this.#range(from, middle), this.#range(middle, to));
    if (keep) this.#blocks.set(from, hash);
    return hash;
  }
}

function powerBelow(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}

/** Hashes the leaf kept beside each event's bytes, in tree order: what is proven is the events, not a copy of the tree. @throws AffiantError engine_failed when the answer is no whole number of hashes. */
export async function readLeafHashes(runner: QueryRunner, treeSize: number): Promise<LeafHashes> {
  const hashes = Buffer.alloc(treeSize * HASH);
  let at = 0;
  for await (const chunk of runner.bytes(bindTreeSize(treeSize))) {
    if (at + chunk.length > hashes.length) throw new AffiantError('engine_failed', 'the ledger gave more leaves than the tree has');
    at += chunk.copy(hashes, at);
  }
  if (at % HASH !== 0) throw new AffiantError('engine_failed', 'the ledger broke off inside a leaf hash');
  return new LeafHashes(hashes.subarray(0, at));
}

const bindTreeSize = (treeSize: number): string =>
  `SELECT SHA256(concat(char(0), leaf)) ${EVENTS_IN_TREE.replaceAll('{tree_size}', String(treeSize))} ORDER BY tree_index`;
