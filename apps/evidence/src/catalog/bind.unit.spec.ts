import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindQuery, bucketOf, isoMicro, microsOf } from './bind.js';

const day = 86_400_000_000;
const binding = { treeSize: 42, fromUs: microsOf('2026-11-01T00:00:00Z'), toUs: microsOf('2026-11-02T12:30:00.000001Z') };

describe('bindQuery', () => {
  it('writes literals that can be pasted', () => {
    expect(bindQuery('FROM audit.x_at(tree_size = {tree_size}) WHERE t >= {from} AND t < {to} GROUP BY {bucket:t}', binding)).toBe(
      "FROM audit.x_at(tree_size = 42) WHERE t >= toDateTime64('2026-11-01 00:00:00.000000', 6, 'UTC') AND t < toDateTime64('2026-11-02 12:30:00.000001', 6, 'UTC') GROUP BY toStartOfInterval(t, INTERVAL 1 HOUR)",
    );
  });

  it('lets nothing but a count be the tree size', () => {
    for (const treeSize of [-1, 1.5, NaN, 2 ** 53]) expect(() => bindQuery('{tree_size}', { ...binding, treeSize })).toThrow(RangeError);
  });

  it.each([
    [day / 24, 'MINUTE'],
    [day, 'HOUR'],
    [92 * day, 'DAY'],
    [800 * day, 'WEEK'],
  ])('shows a period of %d µs in few steps', (length, unit) => expect(bucketOf({ ...binding, toUs: binding.fromUs + length })).toBe(unit));
});

describe('instants', () => {
  it('go there and back to the microsecond', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (us) => microsOf(isoMicro(us)) === us));
  });

  it.each(['', '2026-11-01', '2026-13-01T00:00:00Z', '2026-11-01T00:00:00', "2026-11-01T00:00:00Z'", '2026-11-01T00:00:00.1234567Z'])(
    'refuses %j',
    (text) => expect(() => microsOf(text)).toThrow(RangeError),
  );
});
