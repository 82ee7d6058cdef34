import { describe, expect, it } from 'vitest';
import { microsOf } from '#events';
import { bindQuery, bucketOf } from './bind.js';

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
