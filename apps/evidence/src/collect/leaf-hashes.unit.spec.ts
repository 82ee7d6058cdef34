import fc from 'fast-check';
import { expect, it } from 'vitest';
import { leafHash, recomputeRoot, verifyInclusion } from '#tlog';
import { LeafHashes } from './leaf-hashes.js';

const tree = (size: number): LeafHashes =>
  new LeafHashes(Buffer.concat(Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)))));

it('gives the root and proofs the log library accepts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_600 }), fc.nat(), (size, pick) => {
      const hashes = tree(size);
      const index = pick % size;
      const { root } = recomputeRoot(Array.from({ length: size }, (_, at) => Buffer.from(`leaf ${at}`)));
      expect(hashes.root().equals(root)).toBe(true);
      verifyInclusion(index, size, leafHash(Buffer.from(`leaf ${index}`)), hashes.inclusionProof(index), root);
    }),
    { numRuns: 40 },
  );
  expect(() => tree(3).inclusionProof(3)).toThrow('outside');
});
