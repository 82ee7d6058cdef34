import { describe, expect, it } from 'vitest';
import { Standstill } from './standstill.js';

describe('Standstill', () => {
  it('is a lag that has not fallen for ten minutes', () => {
    let nowUs = 0;
    const standstill = new Standstill({ monotonicUs: () => nowUs });
    const look = (minutes: number, lag: number): boolean => {
      nowUs = minutes * 60_000_000;
      return standstill.since(lag);
    };
    expect(look(0, 0)).toBe(false);
    expect(look(60, 0)).toBe(false);
    expect(look(61, 5)).toBe(false);
    expect(look(70, 500)).toBe(false);
    expect(look(71.5, 501)).toBe(true);
    expect(look(72, 400)).toBe(false);
    expect(look(81, 400)).toBe(false);
    expect(look(83, 400)).toBe(true);
  });
});
