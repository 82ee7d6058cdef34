import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import { EventCodec } from './codec.js';
import type { EventType } from './recorder.js';
import { arbitraryOf } from './schema-arbitrary.fixture.js';

const codec = new EventCodec();
const TYPES: EventType[] = ['request', 'segment', 'decision', 'response', 'control', 'checkpoint', 'dead_letter'];
const anyFrame = fc
  .nat(TYPES.length - 1)
  .chain((index) =>
    arbitraryOf(codec.schemas[index]?.schema ?? {}).map((event) => codec.encode(TYPES[index] as EventType, event as object)),
  );

/** Decoding either works or fails as event_invalid; nothing else may come out. */
const survives = (bytes: Buffer): boolean => {
  try {
    codec.decode(bytes);
    return true;
  } catch (error) {
    if (isAffiantError(error) && error.code === 'event_invalid') return false;
    throw error;
  }
};

/** Zig-zag varint of a count, as Avro writes a long. */
const long = (value: bigint): Buffer => {
  const bytes: number[] = [];
  for (let rest = value < 0n ? -value * 2n - 1n : value * 2n; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
};

describe('hostile bytes', () => {
  it('random bytes behind a right frame', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.uint8Array({ maxLength: 400 }), (id, body) => {
        survives(Buffer.concat([Buffer.from([0, 0, 0, 0, id]), body]));
      }),
      { numRuns: 3_000 },
    );
  });

  it('every truncation is refused, and so are trailing bytes', () => {
    fc.assert(
      fc.property(anyFrame, (framed) => {
        for (let length = 0; length < framed.length; length += 1) expect(survives(framed.subarray(0, length))).toBe(false);
        expect(survives(Buffer.concat([framed, Buffer.from([0])]))).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('flipped bits', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.nat(7), (framed, at, bit) => {
        const flipped = Buffer.from(framed);
        flipped[at % framed.length] = (flipped[at % framed.length] ?? 0) ^ (1 << bit);
        survives(flipped);
      }),
      { numRuns: 3_000 },
    );
  });

  const control = codec.encode('control', {
    envelope: {
      event_id: '',
      source_id: '',
      boot_epoch: 0,
      seq: 0,
      prev_hash: Buffer.alloc(32),
      occurred_at: 0,
      clock_offset_us: 0,
      build: '',
      session_id: null,
      exchange_id: null,
      principal: null,
      connection: null,
    },
    kind: '',
    outcome: '',
    subject: null,
    attributes: [],
    detail: null,
  });
  /** The last two bytes are the empty `attributes` and the null `detail`. */
  const head = control.subarray(0, -2);

  it.each([2n ** 20n, 2n ** 31n, 2n ** 32n, 2n ** 40n, 2n ** 62n, -(2n ** 31n), -(2n ** 63n)])(
    'an array that claims %d items costs neither time nor memory',
    (count) => {
      const before = process.memoryUsage().rss;
      const started = performance.now();
      expect(survives(Buffer.concat([head, long(count), Buffer.alloc(64)]))).toBe(false);
      expect(performance.now() - started).toBeLessThan(200);
      expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
    },
  );

  it.each([2n ** 31n, 2n ** 62n, -1n, -(2n ** 40n)])('a string that claims %d bytes', (length) => {
    const started = performance.now();
    expect(survives(Buffer.concat([head.subarray(0, 5), long(length), Buffer.alloc(64)]))).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
  });

  it.each([2n ** 52n, -(2n ** 52n) - 1n, 2n ** 63n - 1n])('a long of %d is refused, not rounded', (value) => {
    // event_id and source_id are empty, boot_epoch comes third.
    expect(survives(Buffer.concat([head.subarray(0, 7), long(value), control.subarray(8)]))).toBe(false);
    expect(survives(Buffer.concat([head.subarray(0, 7), long(2n ** 52n - 1n), control.subarray(8)]))).toBe(true);
  });

  it('a count without end and blocks without items', () => {
    expect(survives(Buffer.concat([head, Buffer.alloc(100_000, 0xff)]))).toBe(false);
    const started = performance.now();
    survives(Buffer.concat([head, Buffer.alloc(1_000_000, 1), Buffer.from([0, 0])]));
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['four bytes', Buffer.alloc(4)],
    ['another magic byte', Buffer.from([1, 0, 0, 0, 1])],
    ['an unknown schema', Buffer.from([0, 0, 0, 0, 99])],
  ])('%s is no frame', (_case, bytes) => {
    expect(survives(bytes)).toBe(false);
    expect(() => codec.schemaSha256(bytes)).toThrow(expect.objectContaining({ code: 'event_invalid' }));
    expect(() => codec.typeOf(bytes)).toThrow(expect.objectContaining({ code: 'event_invalid' }));
  });
});
