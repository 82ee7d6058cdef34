import { AffiantError } from '#errors';
import { EMPTY_ROOT, nodeHash } from './hashing.js';

/**
 * Checks an inclusion proof (RFC 9162 §2.1.3.2): the leaf with this leaf hash is number `index` of the tree.
 * @throws AffiantError proof_invalid, also for numbers, lengths and proof sizes that cannot be.
 */
export function verifyInclusion(index: number, size: number, leaf: Uint8Array, proof: readonly Uint8Array[], root: Uint8Array): void {
  need(isCount(index) && isCount(size) && index < size, 'the leaf index is not inside the tree');
  checkHashes([leaf, root, ...proof]);
  let fn = index;
  let sn = size - 1;
  let hash: Uint8Array = leaf;
  for (const sibling of proof) {
    need(sn > 0, 'the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = half(sn);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  need(sn === 0, 'the proof is too short');
  need(same(hash, root), 'the proof leads to another root');
}

/**
 * Checks a consistency proof (RFC 9162 §2.1.4.2): the tree of `first` leaves is a prefix of the tree of `second` leaves.
 * @throws AffiantError proof_invalid, also for numbers, lengths and proof sizes that cannot be.
 */
export function verifyConsistency(
  first: number,
  second: number,
  proof: readonly Uint8Array[],
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
): void {
  need(isCount(first) && isCount(second) && first <= second, 'the tree sizes are not in order');
  if (first === 0 || first === second) {
    need(proof.length === 0, 'the proof is too long');
    // From the empty tree there is nothing to prove, and everybody knows its root.
    if (first === 0) need(same(firstRoot, EMPTY_ROOT) && secondRoot.length === 32, 'the first root is not that of the empty tree');
    if (first === second) need(same(firstRoot, secondRoot), 'the roots differ');
    return;
  }
  checkHashes([firstRoot, secondRoot, ...proof]);
  let fn = first - 1;
  let sn = second - 1;
  while (fn % 2 === 1) {
    fn = half(fn);
    sn = half(sn);
  }
  // A perfect old tree is its own first step.
  const steps = fn === 0 ? [firstRoot, ...proof] : [...proof];
  need(steps.length > 0, 'the proof is too short');
  let fr = steps[0]!;
  let sr = steps[0]!;
  for (const step of steps.slice(1)) {
    need(sn > 0, 'the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(step, fr);
      sr = nodeHash(step, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = half(sn);
      }
    } else {
      sr = nodeHash(sr, step);
    }
    fn = half(fn);
    sn = half(sn);
  }
  need(sn === 0, 'the proof is too short');
  need(same(fr, firstRoot) && same(sr, secondRoot), 'the proof leads to other roots');
}

const half = (value: number): number => Math.floor(value / 2);
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function checkHashes(hashes: readonly Uint8Array[]): void {
  need(
    hashes.every((hash) => hash.length === 32),
    'a hash does not have 32 bytes',
  );
}

function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AffiantError('proof_invalid', message);
}
