import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJsonText, encodeJsonText, jsonTextBoundary, JsonTextOffsets } from './json-text.js';
import { Slices } from './slices.js';
import { splice, spliceRange } from './splice.js';
import { utf8Boundary } from './utf8.js';

/** JSON string contents in every spelling: plain, short escapes, unicode escapes, two- to four-byte characters, lone surrogates. */
const piece = fc.oneof(
  fc.constantFrom('\\n', '\\"', '\\\\', '\\/', '\\u0030', '\\u00e9', '\\ud83d\\ude00', '\\ud83d', 'é', '€', '😀', 'a', '7', ' '),
  fc.string({ minLength: 1, maxLength: 3 }).map((text) => encodeJsonText(text)),
);
const content = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

describe('JSON text', () => {
  it('decodes as JSON.parse does and encodes back to the same text', () => {
    fc.assert(
      fc.property(content, (raw) => {
        const bytes = Buffer.from(raw);
        const text = decodeJsonText(bytes, 0, bytes.length, raw.includes('\\'));
        expect(text).toBe(JSON.parse(`"${raw}"`));
        expect(JSON.parse(`"${Buffer.from(encodeJsonText(text)).toString()}"`)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds the bytes of every unit', () => {
    fc.assert(
      fc.property(content, (raw) => {
        const bytes = Buffer.from(raw);
        const text = JSON.parse(`"${raw}"`) as string;
        const offsets = new JsonTextOffsets(bytes, 0, bytes.length);
        for (let unit = 0; unit <= text.length; unit++) {
          const at = offsets.byteOf(unit);
          const head = JSON.parse(`"${bytes.toString('utf8', 0, at)}"`) as string;
          // Inside a pair written as four bytes there is no place: the begin of the pair stands for it.
          expect([unit, unit - 1]).toContain(head.length);
          expect(text.startsWith(head)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('cuts windows that decode alone to the same text', () => {
    fc.assert(
      fc.property(content, fc.integer({ min: 7, max: 15 }), (raw, size) => {
        const bytes = Buffer.from(raw);
        let text = '';
        for (let start = 0; start < bytes.length;) {
          const end = start + size >= bytes.length ? bytes.length : jsonTextBoundary(bytes, start, start + size);
          expect(end).toBeGreaterThan(start);
          text += decodeJsonText(bytes, start, end, true);
          start = end;
        }
        expect(text).toBe(JSON.parse(`"${raw}"`));
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses bad escapes and bare control characters', () => {
    for (const raw of ['\\x', '\\u12', 'a\nb', `${'a'.repeat(200)}\n`, '\\']) {
      const bytes = Buffer.from(raw);
      expect(() => decodeJsonText(bytes, 0, bytes.length, raw.includes('\\'))).toThrow(expect.objectContaining({ code: 'body_invalid' }));
    }
  });

  it('finds boundaries of UTF-8', () => {
    const bytes = Buffer.from('a😀b');
    expect([0, 1, 2, 3, 4, 5, 6].map((at) => utf8Boundary(bytes, at))).toEqual([0, 1, 1, 1, 1, 5, 6]);
  });
});

describe('splice', () => {
  it('replaces only what it is told', async () => {
    const source = Buffer.from('0123456789');
    expect(splice(source, [])).toBe(source);
    const edits = [
      { start: 0, end: 2, bytes: Buffer.from('AB!') },
      { start: 5, end: 5, bytes: Buffer.from('-') },
      { start: 9, end: 10, bytes: Buffer.alloc(0) },
    ];
    expect(splice(source, edits).toString()).toBe('AB!234-5678');
    expect((await spliceRange(source, 0, 10, edits, new Slices())).toString()).toBe('AB!234-5678');
    expect((await spliceRange(source, 4, 8, [edits[1]!], new Slices())).toString()).toBe('4-567');
    const large = Buffer.alloc(5_000_000, 'x');
    const slow = new Slices(0);
    expect((await spliceRange(large, 1, large.length, [{ start: 4_000_000, end: 4_000_001, bytes: Buffer.from('yz') }], slow)).length).toBe(
      5_000_000,
    );
    expect(() => splice(source, [edits[1]!, edits[0]!])).toThrow(RangeError);
  });
});
