import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import { decodeLeaf, encodeLeaf, LEAF_BYTES, LEAF_TYPES, type Leaf } from './index.js';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const leaves: fc.Arbitrary<Leaf> = fc.record({
  type: fc.constantFrom(...LEAF_TYPES),
  boot_epoch: fc.maxSafeNat(),
  seq: fc.maxSafeNat(),
  occurred_at: fc.maxSafeNat(),
  schema_sha256: hash,
  payload_hash: hash,
  prev_hash: hash,
  source_id: fc
    .string({ minLength: 1, maxLength: 16, unit: 'grapheme' })
    .filter((text) => Buffer.byteLength(text) <= 64 && !text.includes('\0')),
});

const GOLDEN: Leaf = {
  type: 'decision',
  boot_epoch: 2,
  seq: 3,
  occurred_at: 1_775_000_000_000_001,
  schema_sha256: Buffer.alloc(32, 0xaa),
  payload_hash: Buffer.alloc(32, 0xbb),
  prev_hash: Buffer.alloc(32, 0xcc),
  source_id: 'gateway',
};

describe('leaf', () => {
  it('has the documented layout', () => {
    expect(encodeLeaf(GOLDEN).toString('hex')).toBe(
      `0103${'0000000000000002'}${'0000000000000003'}${'00064e5a6479f001'}${'aa'.repeat(32)}${'bb'.repeat(32)}${'cc'.repeat(32)}07${Buffer.from('gateway').toString('hex')}${'00'.repeat(57)}`,
    );
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(leaves, (leaf) => {
        const bytes = encodeLeaf(leaf);
        expect(bytes).toHaveLength(LEAF_BYTES);
        expect(decodeLeaf(bytes)).toEqual(leaf);
      }),
    );
  });

  it('has one encoding: whatever decodes encodes to the same bytes', () => {
    const bytes = encodeLeaf(GOLDEN);
    fc.assert(
      fc.property(fc.nat(LEAF_BYTES - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        try {
          return encodeLeaf(decodeLeaf(changed)).equals(changed);
        } catch (error) {
          return isAffiantError(error) && error.code === 'event_invalid';
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['empty source', { source_id: '' }],
    ['long source', { source_id: 'x'.repeat(65) }],
    ['zero in the source', { source_id: 'a\0' }],
    ['lone surrogate', { source_id: '\ud800' }],
    ['negative seq', { seq: -1 }],
    ['fraction', { seq: 1.5 }],
    ['beyond 2^53', { occurred_at: 2 ** 53 }],
    ['short hash', { prev_hash: Buffer.alloc(31) }],
  ])('refuses %s', (_, change) => {
    expect(() => encodeLeaf({ ...GOLDEN, ...change })).toThrow(expect.objectContaining({ code: 'event_invalid' }));
  });

  it('refuses other lengths, versions and types', () => {
    const bytes = encodeLeaf(GOLDEN);
    const bad = [bytes.subarray(1), Buffer.concat([bytes, Buffer.of(0)]), Buffer.alloc(0)];
    for (const [at, value] of [
      [0, 2],
      [1, 0],
      [1, LEAF_TYPES.length + 1],
      [122, 0],
      [122, 65],
      [122, 6],
      [186, 1],
      [2, 0xff],
    ] as const) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      bad.push(changed);
    }
    for (const one of bad) expect(() => decodeLeaf(one)).toThrow(expect.objectContaining({ code: 'event_invalid' }));
  });
});
