import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf } from './lines.js';

/** As a file is read: every chunk in the same memory. */
async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncIterable<Uint8Array> {
  const memory = Buffer.alloc(64);
  for (let [at, index] = [0, 0]; at < bytes.length; index += 1) {
    const length = bytes.copy(memory, 0, at, at + sizes[index % sizes.length]!);
    yield memory.subarray(0, length);
    at += length;
  }
}

describe('lines of a table', () => {
  it('are the same however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', 'é', '\u2028', '\n', '\r'), maxLength: 120 }),
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 8 }),
        async (text, sizes) => {
          const lines: string[] = [];
          for await (const batch of linesOf(chunksOf(Buffer.from(text), sizes))) lines.push(...batch.map((line) => line.toString()));
          expect(lines).toEqual(text.split('\n').filter((line) => line !== ''));
        },
      ),
    );
  });
});
