import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkStock } from './chunks.js';
import { RowBinaryWriter } from './row-binary.js';

const written = (to: RowBinaryWriter): Buffer => Buffer.concat(to.take());
const SMALL = { take: (bytes: number): Buffer => Buffer.alloc(Math.max(8, bytes)) };

/** An independent reader of the format. */
class Reader {
  at = 0;
  constructor(readonly bytes: Buffer) {}
  leb128(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  }
  blob(): Buffer {
    const length = this.leb128();
    return this.bytes.subarray(this.at, (this.at += length));
  }
}

describe('RowBinaryWriter', () => {
  it('writes any text as UTF-8 with its length, across every growth of the buffer', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 })), (texts) => {
        const to = new RowBinaryWriter(SMALL, 8);
        for (const text of texts) to.string(text);
        const from = new Reader(written(to));
        for (const text of texts) expect(from.blob().equals(Buffer.from(text, 'utf8'))).toBe(true);
        expect(from.at).toBe(from.bytes.length);
      }),
    );
  });

  it('writes any bytes exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 70_000 }), { maxLength: 4 }), (blobs) => {
        const to = new RowBinaryWriter(SMALL, 16);
        to.array(blobs, (blob) => to.bytes(blob));
        const from = new Reader(written(to));
        expect(from.leb128()).toBe(blobs.length);
        for (const blob of blobs) expect(from.blob().equals(Buffer.from(blob))).toBe(true);
      }),
    );
  });

  it('leaves large bytes where they are, and uses its chunks again only when they are given back', () => {
    const stock = new ChunkStock();
    const large = Buffer.alloc(20_000, 7);
    const write = (text: string) => {
      const chunks = stock.open();
      const to = new RowBinaryWriter(chunks);
      to.string(text);
      to.bytes(large);
      to.string(text);
      return { chunks, parts: to.take() };
    };
    const first = write('one');
    expect(first.parts.some((part) => part.buffer === large.buffer && part.byteOffset === large.byteOffset)).toBe(true);
    const second = write('two');
    expect(second.parts[0]?.buffer).not.toBe(first.parts[0]?.buffer);
    expect(Buffer.concat(first.parts).includes('one')).toBe(true);
    first.chunks.giveBack();
    expect(write('three').parts[0]?.buffer).toBe(first.parts[0]?.buffer);
    expect(Buffer.concat(second.parts).includes('two')).toBe(true);
  });

  it('writes every safe integer as 64 bits, two’s complement, little-endian', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const to = new RowBinaryWriter(SMALL, 8);
        to.int64(value);
        expect(written(to).readBigInt64LE(0)).toBe(BigInt(value));
      }),
    );
    for (const value of [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0xffff_ffff, 0x1_0000_0000, -0x8000_0000]) {
      const to = new RowBinaryWriter(SMALL, 1);
      to.int64(value);
      expect(written(to).readBigInt64LE(0)).toBe(BigInt(value));
    }
  });

  it.each([1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1, Infinity])('refuses %s as an integer', (value) => {
    expect(() => new RowBinaryWriter(SMALL).int64(value)).toThrow(RangeError);
  });

  it('refuses a hash that is not 32 bytes long', () => {
    expect(() => new RowBinaryWriter(SMALL).hash(Buffer.alloc(31))).toThrow(RangeError);
    expect(() => new RowBinaryWriter(SMALL).hash(Buffer.alloc(33))).toThrow(RangeError);
  });
});
