import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventCodec, partsHash, payloadHash } from './codec.js';
import { GATHERED_BYTES } from './gathered-bytes.js';
import type { EventType } from './recorder.js';
import { arbitraryOf } from './schema-arbitrary.fixture.js';

const codec = new EventCodec();
const TYPES: EventType[] = ['request', 'segment', 'decision', 'response', 'control', 'checkpoint', 'dead_letter'];
const schemaOf = (type: EventType): object => codec.schemas[TYPES.indexOf(type)]?.schema ?? {};

/** avsc makes instances of its own record classes; compare what they hold. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, item: unknown) => (Object.is(item, -0) ? 0 : item))) as unknown;

describe('event codec', () => {
  it.each(TYPES)('%s: what is decoded is what was encoded, and again the same bytes', (type) => {
    fc.assert(
      fc.property(arbitraryOf(schemaOf(type)), (event) => {
        const framed = codec.encode(type, event as object);
        expect(framed.readUInt8(0)).toBe(0);
        expect(framed.readUInt32BE(1)).toBe(codec.schemas[TYPES.indexOf(type)]?.id);
        const decoded = codec.decode(framed);
        expect(decoded.type).toBe(type);
        expect(codec.typeOf(framed)).toBe(type);
        expect(plain(decoded.event)).toEqual(plain(event));
        expect(codec.encode(type, decoded.event).equals(framed)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  const control = (change: object): object => ({
    envelope: {
      event_id: 'e',
      source_id: 's',
      boot_epoch: 1,
      seq: 1,
      prev_hash: Buffer.alloc(32),
      occurred_at: 1_800_000_000_000_000,
      clock_offset_us: -3,
      build: '0',
      session_id: null,
      exchange_id: null,
      principal: null,
      connection: null,
    },
    kind: 'k',
    outcome: 'success',
    subject: null,
    attributes: [],
    detail: null,
    ...change,
  });

  it('replaces a lone surrogate, so that the bytes are valid UTF-8', () => {
    const framed = codec.encode(
      'control',
      control({ kind: 'a\ud800b', detail: 'x\udfff', attributes: [{ name: '\ud83d', value: '\ud83d\ude00' }] }),
    );
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(framed.subarray(framed.length - 30))).not.toThrow();
    expect(codec.decode(framed).event).toMatchObject({
      kind: 'a\ufffdb',
      detail: 'x\ufffd',
      attributes: [{ name: '\ufffd', value: '\ud83d\ude00' }],
    });
  });

  it.each([
    ['a long that a number cannot hold', { envelope: { ...(control({}) as { envelope: object }).envelope, seq: 2 ** 53 } }],
    [
      'a long whose zig-zag a number cannot hold',
      { envelope: { ...(control({}) as { envelope: object }).envelope, clock_offset_us: -(2 ** 52) - 1 } },
    ],
    ['a fraction', { envelope: { ...(control({}) as { envelope: object }).envelope, seq: 1.5 } }],
    ['a missing field', { kind: undefined }],
    ['a wrong type', { attributes: 'none' }],
    ['text for bytes', { envelope: { ...(control({}) as { envelope: object }).envelope, prev_hash: 'x' } }],
  ])('refuses to encode %s', (_case, change) => {
    expect(() => codec.encode('control', control(change))).toThrow(expect.objectContaining({ code: 'event_invalid' }));
  });

  it('encodes events larger than its scratch buffer', () => {
    const detail = 'x'.repeat(3_000_000);
    expect(codec.decode(codec.encode('control', control({ detail }))).event).toMatchObject({ detail });
  });

  it.each(TYPES)('%s: in parts it is the same bytes', (type) => {
    fc.assert(
      fc.property(arbitraryOf(schemaOf(type)), (event) => {
        const parts = codec.encodeInParts(type, event as object);
        expect(Buffer.concat(parts).equals(codec.encode(type, event as object))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  const segments = (lengths: readonly number[]): object[] =>
    lengths.map((length, i) => ({ sha256: Buffer.alloc(32, i), bytes_length: length, media_type: 'a/b', inline: Buffer.alloc(length, i) }));

  it.each([
    ['none', [1, GATHERED_BYTES - 1]],
    ['one', [GATHERED_BYTES]],
    ['the last', [3, 200_000]],
    ['several, beside small ones and nothing', [GATHERED_BYTES, 0, 5, 70_000, 70_000, GATHERED_BYTES + 1]],
  ])('leaves long content where it is: %s', (_case, lengths) => {
    const event = { ...control({}), direction: 'request', segments: segments(lengths), content_key: 'k' };
    const whole = codec.encode('segment', event);
    // Twice, so that one of them does not begin where its memory begins.
    for (const parts of [codec.encodeInParts('segment', event), codec.encodeInParts('segment', event)]) {
      expect(Buffer.concat(parts).equals(whole)).toBe(true);
      expect(partsHash(parts)).toEqual(payloadHash(whole));
      const long = event.segments.map((segment) => (segment as { inline: Buffer }).inline).filter(({ length }) => length >= GATHERED_BYTES);
      expect(parts.filter((part) => long.includes(part))).toHaveLength(long.length);
    }
    expect(codec.decode(whole).event).toMatchObject({ segments: lengths.map((length) => ({ bytes_length: length })) });
  });

  it('encodes in parts what is larger than its scratch buffer beside the content, and copies again afterwards', () => {
    const event = {
      ...control({}),
      direction: 'request',
      segments: [...segments([9_000]), ...segments(Array(9_000).fill(20))],
      content_key: 'k',
    };
    const parts = codec.encodeInParts('segment', event);
    expect(Buffer.concat(parts).equals(codec.encode('segment', event))).toBe(true);
    expect(() => codec.encodeInParts('control', control({ kind: undefined }))).toThrow(expect.objectContaining({ code: 'event_invalid' }));
    expect(codec.decode(codec.encode('segment', event)).event).toMatchObject({ direction: 'request' });
  });

  it('hashes the exact bytes', () => {
    const framed = codec.encode('control', control({}));
    expect(payloadHash(framed)).toEqual(createHash('sha256').update(framed).digest());
  });

  it('names the schema by its own digest', () => {
    for (const { id, sha256, schema } of codec.schemas) {
      const framed = Buffer.from([0, 0, 0, 0, id]);
      expect(codec.schemaSha256(framed)).toBe(sha256);
      expect(sha256).toBe(createHash('sha256').update(JSON.stringify(schema)).digest('hex'));
    }
  });
});
