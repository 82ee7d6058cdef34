import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LoopDelay } from './loop-delay.js';

describe('LoopDelay', () => {
  it('tells nothing before it looked, and what held the loop afterwards', async () => {
    const loop = new LoopDelay();
    expect(loop.read()).toEqual({ max_ms: 0, p99_ms: 0 });
    loop.start();
    // Held until it was seen: the first look may not be due yet.
    const end = performance.now() + 60_000;
    while (loop.read().max_ms < 100 && performance.now() < end) {
      await delay(20);
      const until = performance.now() + 150;
      while (performance.now() < until);
    }
    loop.stop();
    const { max_ms, p99_ms } = loop.read();
    expect(max_ms).toBeGreaterThanOrEqual(100);
    expect(p99_ms).toBeLessThanOrEqual(max_ms);
  });
});
