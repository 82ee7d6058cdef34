import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Delivered } from './delivered.js';

describe('Delivered', () => {
  it('knows exactly what was added, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 })), fc.integer({ min: 1, max: 60 }), (seqs, asked) => {
        const delivered = new Delivered();
        for (const seq of seqs) delivered.add('a', seq);
        expect(delivered.has('a', asked)).toBe(seqs.includes(asked));
        expect(delivered.has('b', asked)).toBe(false);
        const later = new Delivered();
        later.merge(delivered.toMetadata(['a']));
        expect(later.has('a', asked)).toBe(seqs.includes(asked));
      }),
    );
  });

  it('fits the metadata of a commit and never claims what was not delivered, however scattered', () => {
    const delivered = new Delivered();
    for (let seq = 1; seq <= 20_000; seq += 2) delivered.add('scattered', seq);
    for (let seq = 1; seq <= 50_000; seq += 1) delivered.add('whole', seq);
    const metadata = delivered.toMetadata(['scattered', 'whole']);
    expect(Buffer.byteLength(metadata)).toBeLessThan(4_096);
    const later = new Delivered();
    later.merge(metadata);
    expect(later.has('whole', 50_000)).toBe(true);
    expect(later.has('whole', 50_001)).toBe(false);
    const even = Array.from({ length: 10_000 }, (_, index) => 2 * (index + 1));
    expect(even.filter((seq) => delivered.has('scattered', seq) || later.has('scattered', seq))).toEqual([]);
  });

  it('ignores what it did not write', () => {
    const delivered = new Delivered();
    for (const metadata of [null, '', '{}', '{"to":5}', '{"delivered":{"a":[[1]]}}', '{"delivered":{"a":[["1",2]]}}'])
      delivered.merge(metadata);
    expect(delivered.has('a', 1)).toBe(false);
  });
});
