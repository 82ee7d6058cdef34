import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleEvent, sampleLeaves } from '../testing/sample-rows.js';
import { leafRuns } from './leaf-runs.js';

describe('leafRuns', () => {
  it('unfolds to the leaves it was folded from', () => {
    const steps = fc.array(fc.record({ source: fc.constantFrom('a', 'b', 'c'), gap: fc.integer({ min: 1, max: 2 }) }), { maxLength: 80 });
    fc.assert(
      fc.property(steps, fc.nat(1000), (list, from) => {
        const last = new Map<string, number>();
        const rows = list.map(({ source, gap }) => {
          const seq = (last.get(source) ?? 0) + gap;
          last.set(source, seq);
          return sampleEvent(seq, { source_id: source });
        });
        const leaves = sampleLeaves(rows, from);
        const unfolded = leafRuns(leaves).flatMap((run) =>
          Array.from({ length: run.seq_to - run.seq_from + 1 }, (_, index) => [
            run.source_id,
            run.seq_from + index,
            run.index_from + index,
          ]),
        );
        expect(unfolded).toEqual(leaves.map((leaf) => [leaf.source_id, leaf.seq, leaf.leaf_index]));
      }),
    );
  });

  it('folds neighbours of one source into one run', () => {
    const rows = [1, 2, 3, 5].map((seq) => sampleEvent(seq));
    expect(leafRuns(sampleLeaves(rows, 10, 4))).toEqual([
      { source_id: 'gateway', seq_from: 1, seq_to: 3, index_from: 10, round: 4 },
      { source_id: 'gateway', seq_from: 5, seq_to: 5, index_from: 13, round: 4 },
    ]);
  });
});
