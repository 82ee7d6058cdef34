import { describe, expect, it } from 'vitest';
import { ResendPlan } from './resend-plan.js';

const AFTER = 120_000;

describe('ResendPlan', () => {
  it('fills a large hole in growing pieces, without waiting the whole time for each', () => {
    const plan = new ResendPlan(AFTER);
    let now = 0;
    let frontier = 0;
    const pieces: number[] = [];
    for (; frontier < 100_000 && now < 100 * AFTER; now += 1_000) {
      const range = plan.due(frontier, 100_000, now);
      if (range === null) continue;
      expect(range.from).toBe(frontier + 1);
      pieces.push(range.to - frontier);
      frontier = range.to;
    }
    expect(pieces.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(Math.max(...pieces)).toBeLessThanOrEqual(32_000);
    expect(now).toBeLessThan(AFTER + 60_000);
  });

  it('does not flood the log while the ledger is away', () => {
    const plan = new ResendPlan(AFTER);
    let sent = 0;
    for (let now = 0; now < 86_400_000; now += 1_000) {
      const range = plan.due(10, 1_000_000, now);
      if (range !== null) sent += range.to - range.from + 1;
    }
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(60_000);
  });

  it('counts from when the frontier began to stand still', () => {
    const plan = new ResendPlan(AFTER);
    expect(plan.due(10, 10, 0)).toBeNull();
    expect(plan.due(10, 11, AFTER)).toBeNull();
    expect(plan.due(10, 11, 2 * AFTER - 1)).toBeNull();
    expect(plan.due(10, 11, 2 * AFTER)).toEqual({ from: 11, to: 11 });
    expect(plan.due(10, 11, 3 * AFTER)).toBeNull();
  });

  it('waits until a frontier is known', () => expect(new ResendPlan(AFTER).due(null, 100, 1e9)).toBeNull());
});
