import { describe, expect, it } from 'vitest';
import { testPolicy } from '../protocols/shared/testing/policies.js';
import { Seam } from './seam.js';

const policy = testPolicy();

function across(texts: readonly (readonly string[])[], of = policy): string[] {
  const leaks: string[] = [];
  const seam = new Seam(of.responseDetector!, of, (entity, rule, named) => leaks.push(`${entity} ${rule} ${named}`));
  for (const pieces of texts) {
    seam.begin();
    for (const piece of pieces) seam.push(piece);
    seam.end();
  }
  return leaks;
}

describe('the border between two texts', () => {
  const LEAK = ['us_ssn us_ssn@1 customer-data'];

  it('shows a value that lies across it, wherever it is cut', () => {
    const value = '219-09-9999';
    for (let cut = 1; cut < value.length; cut++) {
      expect(across([[`SSN: ${value.slice(0, cut)}`], [`${value.slice(cut)} indeed`]]), `cut at ${cut}`).toEqual(LEAK);
      expect(across([Array.from(`SSN: ${value.slice(0, cut)}`), Array.from(value.slice(cut))])).toEqual(LEAK);
    }
  });

  it('behind a long text and before another, once', () => {
    expect(across([['x '.repeat(5_000), 'SSN 219-'], ['09-9999', ' y'.repeat(5_000)], ['more']])).toEqual(LEAK);
  });

  it('says nothing of values on one side, nor of ones that policy allows', () => {
    expect(across([['SSN 219-09-9999 '], ['219-09-9999 again'], [' and nothing']])).toEqual([]);
    expect(across([['ends with 219-09-9999'], [', goes on']])).toEqual([]);
    expect(across([['219-'], ['09-9999']], testPolicy({ response: 'allow' }))).toEqual([]);
    expect(across([['219-'], [], ['09-9999']])).toEqual([]);
  });
});
