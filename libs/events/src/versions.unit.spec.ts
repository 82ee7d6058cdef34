import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '#config';
import { isAffiantError } from '#errors';
import { otherVersion } from '../../../test/support/schema-versions.mjs';
import { EventCodec } from './codec.js';
import type { EventType } from './recorder.js';
import { loadEarlierSchemas, loadSchemas, loadSchemaVersions } from './schemas.js';
import { arbitraryOf } from './schema-arbitrary.fixture.js';

const TYPES: EventType[] = ['request', 'segment', 'decision', 'response', 'control', 'checkpoint', 'dead_letter'];
const bundled = loadSchemas();
const notes = { name: 'notes', type: { type: 'array', items: 'string' }, default: [] };
const count = { name: 'count_of_things', type: ['null', 'long'], default: null };
/** As an earlier release wrote them: some of today's fields were not there, and one was that is no more. */
const older = otherVersion(bundled, {
  firstId: 901,
  without: ['connection', 'joins_exchange', 'correlation', 'error_code', 'timeline', 'subject_digest', 'detail'],
  withFields: { Request: [notes, count], Control: [notes], Envelope: [notes] },
});
const newer = otherVersion(bundled, { firstId: 801, withFields: { Request: [count], Response: [notes], Envelope: [count] } });
const writesOlder = new EventCodec(older, []);
const reads = new EventCodec(bundled, older);

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, item: unknown) => (Object.is(item, -0) ? 0 : item))) as unknown;

describe('events of other versions', () => {
  it.each(TYPES)('%s of an earlier release: what it has is there, what it does not know has its default', (type) => {
    const index = TYPES.indexOf(type);
    fc.assert(
      fc.property(arbitraryOf(older[index]?.schema ?? {}), (event) => {
        const framed = writesOlder.encode(type, event as object);
        expect(reads.typeOf(framed)).toBe(type);
        expect(reads.schemaSha256(framed)).toBe(older[index]?.sha256);
        const decoded = reads.decode(framed);
        expect(decoded.type).toBe(type);
        // The same as a today's writer would have written, had it been told no more.
        expect(plain(decoded.event)).toEqual(plain(reads.decode(reads.encode(type, { ...emptyOf(type), ...withDefaults(event) })).event));
      }),
      { numRuns: 30 },
    );
  });

  it('a later release reads what today writes', () => {
    const later = new EventCodec(newer, bundled);
    fc.assert(
      fc.property(arbitraryOf(bundled[0]?.schema ?? {}), (event) => {
        const framed = reads.encode('request', event as object);
        expect(plain(later.decode(framed).event)).toMatchObject(plain(event) as object);
        expect(later.decode(framed).event).toMatchObject({ count_of_things: null, envelope: { count_of_things: null } });
      }),
      { numRuns: 30 },
    );
  });

  it('what a later release writes is refused as unknown, whole', () => {
    const framed = Buffer.from([0, 0, 0, 3, 0x21, 0]);
    for (const look of [() => reads.decode(framed), () => reads.typeOf(framed), () => reads.schemaSha256(framed)])
      expect(look).toThrow(expect.objectContaining({ code: 'event_invalid', message: 'unknown schema id 801' }));
  });

  it('is refused as a whole when an id stands for two texts, or a version cannot be read', () => {
    const taken = otherVersion(bundled, { firstId: 3, without: ['connection'] });
    expect(() => new EventCodec(bundled, taken)).toThrow('schema id 3 stands for two texts');
    const unreadable = otherVersion(bundled, { firstId: 901, without: ['kind'] });
    expect(() => new EventCodec(bundled, unreadable)).toThrow('cannot be read as the current one');
  });

  it('hostile bytes: every truncation is refused, flipped bits are an event or refused, a count of a field that is no more costs nothing', () => {
    const survives = (bytes: Buffer): boolean => {
      try {
        reads.decode(bytes);
        return true;
      } catch (error) {
        if (isAffiantError(error) && error.code === 'event_invalid') return false;
        throw error;
      }
    };
    const frames = arbitraryOf(older[0]?.schema ?? {}).map((event) => writesOlder.encode('request', event as object));
    fc.assert(
      fc.property(frames, fc.nat(), fc.nat(7), (framed, at, bit) => {
        for (let length = 0; length < framed.length; length += 1) expect(survives(framed.subarray(0, length))).toBe(false);
        const flipped = Buffer.from(framed);
        flipped[at % framed.length] = (flipped[at % framed.length] ?? 0) ^ (1 << bit);
        survives(flipped);
      }),
      { numRuns: 30 },
    );
    const control = writesOlder.encode('control', {
      envelope: { ...emptyOf('control').envelope, notes: [] },
      kind: '',
      outcome: '',
      subject: null,
      attributes: [],
      notes: [],
    });
    // The last byte is the empty `notes`, which today's schema does not have: 2^62 items, and a block that says it is -2^40 bytes long. Believed, they never end.
    const head = control.subarray(0, -1);
    expect(survives(Buffer.concat([head, Buffer.from('80808080808080808001', 'hex'), Buffer.alloc(64)]))).toBe(false);
    expect(survives(Buffer.concat([head, Buffer.from('01ffffffffff7f', 'hex'), Buffer.alloc(64)]))).toBe(false);
  });
});

describe('versions on disk', () => {
  const folders: string[] = [];
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  /** A folder of releases with a copy of the bundled schemas, changed in one file. */
  function releases(change: (folder: string) => void): string {
    const folder = mkdtempSync(join(tmpdir(), 'schemas-'));
    folders.push(folder);
    mkdirSync(join(folder, '0.0.9'));
    for (const file of ['registry.json', ...bundledFiles()])
      cpSync(join(packageRoot, 'schemas', file), join(folder, '0.0.9', file), { recursive: true });
    change(join(folder, '0.0.9'));
    return folder;
  }
  const bundledFiles = (): string[] => [
    'envelope.avsc',
    'body.avsc',
    ...(JSON.parse(readFileSync(join(packageRoot, 'schemas', 'registry.json'), 'utf8')) as { file: string }[]).map(({ file }) => file),
  ];

  it('what is stored of released versions is read by the codec of this release', () => {
    const codec = new EventCodec();
    expect(loadSchemaVersions().map(({ id }) => id)).toEqual(expect.arrayContaining(bundled.map(({ id }) => id)));
    for (const { id, sha256 } of loadSchemaVersions()) {
      const frame = Buffer.alloc(5);
      frame.writeUInt32BE(id, 1);
      expect(codec.schemaSha256(frame)).toBe(sha256);
    }
  });

  it('an earlier release with ids of its own is read, one with our ids and texts adds nothing', () => {
    expect(
      loadEarlierSchemas(
        bundled,
        releases(() => undefined),
      ),
    ).toEqual([]);
    const other = releases((folder) => {
      const registry = JSON.parse(readFileSync(join(folder, 'registry.json'), 'utf8')) as { id: number }[];
      writeFileSync(join(folder, 'registry.json'), JSON.stringify(registry.map((entry) => ({ ...entry, id: entry.id + 900 }))));
    });
    const earlier = loadEarlierSchemas(bundled, other);
    expect(earlier.map(({ id }) => id)).toEqual(bundled.map(({ id }) => id + 900).toSorted((a, b) => a - b));
    expect(() => new EventCodec(bundled, earlier)).not.toThrow();
  });

  it('a text that was changed under the id of a released one is refused: leaves commit to its digest', () => {
    const changed = releases((folder) => {
      const text = readFileSync(join(folder, 'control.avsc'), 'utf8');
      writeFileSync(join(folder, 'control.avsc'), text.replace('success | failure', 'yes | no'));
    });
    expect(() => loadEarlierSchemas(bundled, changed)).toThrow('schema id 5 stands for two texts');
  });
});

function emptyOf(type: EventType): { envelope: object } {
  const envelope = {
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
  };
  const more: Partial<Record<EventType, object>> = {
    request: { joins_exchange: null, correlation: [] },
    response: { error_code: null, timeline: [] },
    decision: { subject_digest: null },
    control: { detail: null },
  };
  return { envelope, ...more[type] };
}

/** What an event of an earlier release is to today: its envelope had no connection. */
const withDefaults = (event: unknown): object => {
  const { envelope, ...fields } = event as { envelope: object };
  return { ...fields, envelope: { ...envelope, connection: null } };
};
