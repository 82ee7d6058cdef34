import { describe, expect, it } from 'vitest';
import { EventCodec, loadSchemas, payloadHash, type RegisteredSchema } from '#events';
import { decodeLeaf } from '#tlog';
import { otherVersion } from '../../../../test/support/schema-versions.mjs';
import { answerDraft } from '../testing/answer-draft.js';
import { BrokerWorld } from '../testing/broker-world.js';
import { MemoryRecorder } from '../testing/memory-recorder.js';
import { verifyLastRecord } from './verify.js';

const SMALL = { maxBatchRecords: 4, maxRoundLeaves: 6 };
const bundled = loadSchemas();
/** Before and after this release: fields that were not there yet, one that is no more, one that comes. */
const earlier = otherVersion(bundled, {
  firstId: 901,
  without: ['connection', 'error_code', 'timeline', 'detail'],
  withFields: { Response: [{ name: 'retired', type: { type: 'array', items: 'string' }, default: [] }] },
});
const later = otherVersion(bundled, {
  firstId: 801,
  withFields: { Envelope: [{ name: 'region', type: ['null', 'string'], default: null }] },
});
const sha256 = (schemas: readonly RegisteredSchema[], name: string): string => schemas.find((one) => one.name === name)!.sha256;

describe('a rolling upgrade', () => {
  it('an old proxy beside a new one: every event is a row and a leaf, under the digest of its own schema', async () => {
    const world = new BrokerWorld();
    world.codec = new EventCodec(bundled, earlier);
    const old = new MemoryRecorder(world.log, new EventCodec(earlier, []), 'old-proxy');
    world.shipByItself();
    await world.events(5);
    await old.record([answerDraft(), world.draft('test.old'), answerDraft()]);
    await world.events(3);
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
    expect(world.rowFaults()).toEqual([]);

    const rows = world.store.events.filter((row) => row.source_id === 'old-proxy').sort((a, b) => a.seq - b.seq);
    const response = sha256(earlier, 'affiant.v1.Response');
    expect(rows.map((row) => [row.event_type, row.schema_sha256.toString('hex')])).toEqual([
      ['response', response],
      ['control', sha256(earlier, 'affiant.v1.Control')],
      ['response', response],
    ]);
    expect(rows[0]).toMatchObject({ connection: '', exchange_id: '01990000-0000-7000-8000-000000000000', segment_inline: [true] });
    expect(JSON.parse(rows[0]!.data)).toMatchObject({ outcome: 'completed', error_code: null, timeline: [] });
    expect(JSON.parse(rows[0]!.data)).not.toHaveProperty('retired');
    const leaves = world.store.leaves.filter((leaf) => leaf.source_id === 'old-proxy').map((leaf) => decodeLeaf(leaf.leaf));
    expect(leaves.map((leaf) => leaf.schema_sha256.toString('hex'))).toEqual(rows.map((row) => row.schema_sha256.toString('hex')));
  });

  it('a new proxy before the ledger: nothing is lost, its events wait for the upgrade', async () => {
    const world = new BrokerWorld();
    world.codec = new EventCodec(bundled, []);
    const fresh = new MemoryRecorder(world.log, new EventCodec(later, bundled), 'new-proxy');
    world.shipByItself();
    await world.events(5);
    await fresh.record([world.draft('test.new'), answerDraft(), world.draft('test.new')]);
    await world.events(2);
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    // The others go on; what cannot be read is told with its bytes, and does not acknowledge its source: the proxy keeps it.
    expect((await world.checkpoints.fetch())?.frontiers).toMatchObject({ gateway: 7 });
    expect((await world.checkpoints.fetch())?.frontiers).not.toHaveProperty('new-proxy');
    const written = world.log.partitions.get('new-proxy')!.map(({ value }) => value);
    const told = world.ownEvents().flatMap((event) => ('payload' in event ? [event] : []));
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['unknown schema id 804', 'unknown schema id 805']));
    expect(new Set(told.map(({ payload }) => payloadHash(payload as Buffer).toString('hex')))).toEqual(
      new Set(written.map((value) => payloadHash(value).toString('hex'))),
    );

    // The upgrade. It goes on behind what the old one committed, finds it as it should be, and takes what the proxy sends again.
    world.codec = new EventCodec(later, bundled);
    for (const records of world.broker.partitions.values()) await verifyLastRecord(world.store, records.at(-1)!, world.codec);
    world.ship(({ partition }) => partition === 'new-proxy');
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect((await world.checkpoints.fetch())?.frontiers).toMatchObject({ 'new-proxy': 3 });
    const rows = world.store.events.filter((row) => row.source_id === 'new-proxy').sort((a, b) => a.seq - b.seq);
    expect(rows.map((row) => row.raw)).toEqual(written);
    expect(world.store.violations).toEqual([]);
  });

  it.each(['killed', 'killed-applied'] as const)(
    'upgraded in the middle of an insert (%s): the open intent is carried out',
    async (fault) => {
      const world = new BrokerWorld();
      world.codec = new EventCodec(bundled, []);
      const fresh = new MemoryRecorder(world.log, new EventCodec(later, bundled), 'gateway-2');
      world.shipByItself();
      await world.events(2);
      await fresh.record([world.draft('test.new')]);
      await world.runUntilQuiet((method, count) => (method === 'store.appendEvents' && count === 1 ? fault : undefined), {});
      world.codec = new EventCodec(later, bundled);
      world.ship(({ partition }) => partition === 'gateway-2');
      expect(await world.runUntilQuiet()).toEqual({ halted: null });
      expect((await world.checkpoints.fetch())?.frontiers).toMatchObject({ gateway: 2, 'gateway-2': 1 });
      expect(world.store.violations).toEqual([]);
    },
  );
});
