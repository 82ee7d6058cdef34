import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrameHeader, findFrameHeader, FRAME_HEADER_BYTES } from './format.js';
import { FrameSealer, openFrame, RECORD_HEADER_BYTES } from './frame.js';

const key = randomBytes(32);
const SLICE = 256 * 1024;
const source = randomBytes(3 * SLICE);
/** Small sizes, and those at which a record or its header meets the edge of a slice. */
const size = fc.oneof(
  fc.nat(300),
  fc.integer({ min: -12, max: 12 }).map((off) => SLICE + off),
  fc.integer({ min: -12, max: 12 }).map((off) => 2 * SLICE + off),
);
const anyRecords = fc.array(fc.record({ topic: fc.nat(255), payload: size.map((bytes) => source.subarray(0, bytes)) }), { maxLength: 6 });
const bytesOf = (records: readonly { payload: Buffer }[]): number =>
  records.reduce((sum, { payload }) => sum + RECORD_HEADER_BYTES + payload.length, 0);

describe('frame', () => {
  it('gives back what was sealed, whatever the sizes', async () => {
    const sealer = new FrameSealer(key);
    await fc.assert(
      fc.asyncProperty(anyRecords, fc.integer({ min: 1, max: 2 ** 52 }), fc.nat(2 ** 31), async (records, firstSeq, number) => {
        const bytes = Buffer.concat(await sealer.seal({ firstSeq, number, records, bytes: bytesOf(records) }));
        const header = decodeFrameHeader(bytes, 0);
        expect(header).toMatchObject({ firstSeq, number, count: records.length, bodyBytes: bytes.length - FRAME_HEADER_BYTES });
        const body = bytes.subarray(FRAME_HEADER_BYTES);
        expect(crc32(body)).toBe(header?.bodyCrc);
        const opened = openFrame(key, header!, bytes, body);
        expect(opened?.map(({ seq, topic }) => [seq, topic])).toEqual(records.map(({ topic }, index) => [firstSeq + index, topic]));
        expect(opened?.every(({ payload }, index) => payload.equals(records[index]!.payload))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('takes a record in parts of any size for one', async () => {
    const sealer = new FrameSealer(key);
    const DIRECT = 16 * 1024;
    const partBytes = fc.oneof(
      size,
      fc.integer({ min: -2, max: 2 }).map((off) => DIRECT + off),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(partBytes, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }), async (lengths) => {
        const records = lengths.map((parts) => ({
          topic: 1,
          parts: parts.map((bytes) => source.subarray(0, bytes)),
          hash: Buffer.alloc(32),
        }));
        const whole = records.map(({ parts }) => ({ payload: Buffer.concat(parts) }));
        const frame = Buffer.concat(await sealer.seal({ firstSeq: 7, number: 3, records, bytes: bytesOf(whole) }));
        const body = frame.subarray(FRAME_HEADER_BYTES);
        const header = decodeFrameHeader(frame, 0)!;
        expect(header.bodyBytes).toBe(body.length);
        expect(crc32(body)).toBe(header.bodyCrc);
        const opened = openFrame(key, header, frame, body);
        expect(opened?.map(({ seq }) => seq)).toEqual(records.map((_record, index) => 7 + index));
        expect(opened?.every(({ payload }, index) => payload.equals(whole[index]!.payload))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('does not open when the first seq, the count or the number is another one', async () => {
    const records = [{ topic: 1, payload: Buffer.from('x') }];
    const bytes = Buffer.concat(await new FrameSealer(key).seal({ firstSeq: 5, number: 2, records, bytes: bytesOf(records) }));
    const header = decodeFrameHeader(bytes, 0)!;
    const body = bytes.subarray(FRAME_HEADER_BYTES);
    expect(openFrame(key, header, bytes, body)).not.toBeNull();
    for (const at of [20, 27, 31]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(openFrame(key, header, changed, body)).toBeNull();
    }
    expect(openFrame(key, { ...header, number: 3 }, bytes, body)).toBeNull();
  });

  it('finds the next whole header in any bytes, and no other', async () => {
    const frame = Buffer.concat(await new FrameSealer(key).seal({ firstSeq: 1, number: 0, records: [], bytes: 0 }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, decoy) => {
        const before = Buffer.concat([noise, decoy ? Buffer.from('AFRM') : Buffer.alloc(0)]);
        expect(findFrameHeader(Buffer.concat([before, frame]), 0)).toBe(before.length);
        expect(findFrameHeader(Buffer.concat([before, frame.subarray(0, FRAME_HEADER_BYTES - 1)]), 0)).toBe(-1);
      }),
    );
  });
});
