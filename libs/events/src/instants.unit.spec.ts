import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoMicro, microsOf } from './instants.js';

describe('instants', () => {
  it('go there and back to the microsecond', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (us) => microsOf(isoMicro(us)) === us));
  });

  it.each(['', '2026-11-01', '2026-13-01T00:00:00Z', '2026-11-01T00:00:00', "2026-11-01T00:00:00Z'", '2026-11-01T00:00:00.1234567Z'])(
    'refuses %j',
    (text) => expect(() => microsOf(text)).toThrow(RangeError),
  );
});
