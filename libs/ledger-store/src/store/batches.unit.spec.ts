import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleEvent } from '../testing/sample-rows.js';
import { batches } from './batches.js';

const month = (micros: number): string => new Date(Math.floor(micros / 1000)).toISOString().slice(0, 7).replace('-', '');

describe('batches', () => {
  it('keeps every row once, one month per batch, cut the same way each time', () => {
    const time = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2030, 0, 1) }).map((ms) => ms * 1000);
    fc.assert(
      fc.property(fc.array(time, { maxLength: 60 }), (times) => {
        const rows = times.map((occurred_at, index) => sampleEvent(index + 1, { occurred_at }));
        const cut = batches(rows);
        expect(cut.flatMap((batch) => batch.rows.map((row) => row.seq)).toSorted((a, b) => a - b)).toEqual(rows.map((row) => row.seq));
        for (const batch of cut) expect(batch.rows.every((row) => batch.key === `${month(row.occurred_at)}/0`)).toBe(true);
        expect(new Set(cut.map((batch) => batch.key)).size).toBe(cut.length);
        expect(batches(rows)).toEqual(cut);
      }),
    );
  });

  it('cuts what would be too large for one block of the engine', () => {
    const raw = Buffer.alloc(20 * 1024 * 1024);
    const cut = batches([1, 2, 3].map((seq) => sampleEvent(seq, { raw, payload_hash: Buffer.alloc(32) })));
    expect(cut.map((batch) => [batch.key, batch.rows.length])).toEqual([
      ['202607/0', 1],
      ['202607/1', 1],
      ['202607/2', 1],
    ]);
  });
});
