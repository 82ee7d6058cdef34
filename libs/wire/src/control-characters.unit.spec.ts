import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasControlCharacter } from './control-characters.js';

/** Bytes around the ones that are told apart, and around those whose high bit is set. */
const byte = fc.oneof(
  fc.constantFrom(0x20, 0x21, 0x7e, 0x7f, 0x80, 0x9f, 0xa0, 0xff),
  { weight: 8, arbitrary: fc.integer({ min: 0x20, max: 0xff }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 9, 10, 13, 0x1f) },
);

it('says of any part of a buffer, wherever it lies in memory, what looking at each byte says', () => {
  const part = fc.tuple(fc.array(byte, { maxLength: 160 }), fc.nat(12), fc.nat(12), fc.nat(12));
  fc.assert(
    fc.property(part, ([codes, before, skip, short]) => {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(codes), Buffer.alloc(12)]).subarray(before, before + codes.length);
      const start = Math.min(skip, codes.length);
      const end = Math.max(start, codes.length - short);
      expect(hasControlCharacter(bytes, start, end)).toBe(codes.slice(start, end).some((code) => code < 0x20));
    }),
    { numRuns: 2_000 },
  );
});

it('finds one at every place of a long run', () => {
  for (const control of [0, 0x1f]) {
    for (let at = 0; at < 133; at++) {
      const bytes = Buffer.alloc(133, 0x20);
      expect(hasControlCharacter(bytes, 0, 133)).toBe(false);
      bytes[at] = control;
      expect([hasControlCharacter(bytes, 0, 133), hasControlCharacter(bytes, 0, at), hasControlCharacter(bytes, at + 1, 133)]).toEqual([
        true,
        false,
        false,
      ]);
    }
  }
});
