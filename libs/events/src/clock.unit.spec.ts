import { afterEach, describe, expect, it, vi } from 'vitest';
import { SystemClock, SystemIds } from './clock.js';

afterEach(() => vi.restoreAllMocks());

describe('system clock', () => {
  it('is the wall clock, in microseconds', () => {
    const clock = new SystemClock();
    expect(Math.abs(clock.nowUs() / 1000 - Date.now())).toBeLessThan(50);
    expect(Number.isInteger(clock.nowUs())).toBe(true);
    expect(clock.nowUs()).toBeGreaterThanOrEqual(clock.nowUs() - 1_000);
    expect(Math.abs(clock.offsetUs())).toBeLessThan(50_000);
  });

  it('follows when the wall clock is set, and says by how much', () => {
    let monotonic = performance.now();
    const realNow = Date.now();
    const started = monotonic;
    let set = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => monotonic);
    vi.spyOn(Date, 'now').mockImplementation(() => Math.floor(realNow + (monotonic - started) + set));
    const clock = new SystemClock();
    const before = clock.nowUs();
    set = 60_000;
    monotonic += 500;
    expect(clock.nowUs() - before).toBe(500_000);
    monotonic += 600;
    expect(clock.nowUs() - before).toBeGreaterThan(61_000_000);
    expect(clock.offsetUs()).toBeGreaterThan(59_990_000);
  });
});

it('ids are UUIDv7 and sort by time', () => {
  const ids = new SystemIds();
  const made = Array.from({ length: 1_000 }, () => ids.uuid());
  expect(new Set(made).size).toBe(1_000);
  expect(made.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  expect([...made].sort()).toEqual(made);
});
