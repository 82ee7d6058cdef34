import { describe, expect, it } from 'vitest';
import { SystemClock } from '#events';
import type { SealedState } from '#tlog';
import { LedgerService } from './ledger-service.js';
import { World } from './testing/world.js';
import { MemoryRecorder } from './testing/memory-recorder.js';
import { MemoryEventLog } from './testing/memory-event-log.js';

const SMALL = { maxBatchRecords: 4, maxRoundLeaves: 6 };

async function sealedWorld(): Promise<World> {
  const world = new World();
  await world.events(10);
  await world.runUntilQuiet(undefined, SMALL);
  return world;
}

/** Runs on and expects a halt for this reason: alarm recorded once, nothing signed any more, everything still ingested. */
async function expectHalt(world: World, reason: RegExp): Promise<void> {
  const before = await world.checkpoints.fetch();
  const { halted } = await world.runUntilQuiet(undefined, SMALL);
  expect(halted).toMatch(reason);
  expect((await world.checkpoints.fetch())?.note).toBe(before?.note);
  expect(world.ownEvents().filter((event) => event['kind'] === 'checkpoint.halted')).toHaveLength(1);
}

/** Events of another history of the same source. */
async function fork(world: World, events: number): Promise<Buffer[]> {
  const log = new MemoryEventLog();
  const recorder = new MemoryRecorder(log, world.codec, 'gateway');
  await recorder.record(Array.from({ length: events }, (_, index) => world.draft(`other ${index}`)));
  return log.partitions.get('gateway')!.map((record) => record.value);
}

async function change(world: World, mend: (state: SealedState) => SealedState): Promise<void> {
  const state = (await world.checkpoints.fetch())!;
  await world.checkpoints.replace(state, mend(state));
}

describe('the ledger halts', () => {
  it('on a gap in a source', async () => {
    const world = await sealedWorld();
    const values = await fork(world, 12);
    world.log.append('gateway', 'affiant.control.v1', values[11]!);
    await expectHalt(world, /a gap: seq 11/);
  });

  it('on an event that does not follow from the one before', async () => {
    const world = await sealedWorld();
    const values = await fork(world, 11);
    world.log.append('gateway', 'affiant.control.v1', values[10]!);
    await expectHalt(world, /does not follow/);
    expect(world.store.events.some((row) => row.raw.equals(values[10]!))).toBe(true);
  });

  it('on a first event that claims a past', async () => {
    const world = new World();
    const values = await fork(world, 2);
    world.log.append('gateway', 'affiant.control.v1', values[1]!);
    await world.runUntilQuiet(undefined, SMALL).then(({ halted }) => expect(halted).toMatch(/a gap: seq 1/));
  });

  it('when the log gives other events than when an insert was intended', async () => {
    const world = new World();
    await world.events(6);
    await world.runUntilQuiet((method, count) => (method === 'store.appendEvents' && count === 1 ? 'killed' : undefined), SMALL);
    const values = await fork(world, 4);
    values.forEach((value, index) => Object.assign(world.log.partitions.get('gateway')![index]!, { value }));
    const { halted } = await world.runUntilQuiet(undefined, SMALL);
    expect(halted).toMatch(/other events than when the insert was intended/);
    expect(world.store.events.filter((row) => row.source_id === 'gateway')).toEqual([]);
  });

  it('when the ledger holds something else', async () => {
    const world = await sealedWorld();
    await world.events(3);
    const values = await fork(world, 12);
    const foreign = world.rowOf('gateway', 12, values[11]!);
    await world.store.appendEvents('foreign', [foreign]);
    await expectHalt(world, /ledger holds/);
  });

  it('when the log gives other events than when the round was opened', async () => {
    const world = await sealedWorld();
    await world.events(2);
    await world.runUntilQuiet((method, count) => (method === 'store.appendLeaves' && count === 1 ? 'killed' : undefined), SMALL);
    const open = (await world.checkpoints.fetch())!.open!;
    await change(world, (state) => ({ ...state, open: { ...open, new_root: '00'.repeat(32) } }));
    await expectHalt(world, /than when the round was opened/);
  });

  it.each([
    ['the root', (state: SealedState) => ({ ...state, root_hash: '00'.repeat(32) })],
    ['the size', (state: SealedState) => ({ ...state, tree_size: state.tree_size - 1 })],
    ['the note', (state: SealedState) => ({ ...state, note: state.note.replace('affiant', 'infiant') })],
  ])('when %s of the sealed state was changed', async (_, mend) => {
    const world = await sealedWorld();
    await change(world, mend);
    await world.events(1);
    await expectHalt(world, /sealed/);
  });

  it('when the sealed state is an old copy, or lost', async () => {
    const world = await sealedWorld();
    const old = (await world.checkpoints.fetch())!;
    await world.events(5);
    await world.runUntilQuiet(undefined, SMALL);
    await change(world, () => old);
    await world.events(1);
    await expectHalt(world, /older than what was sealed/);
  });

  it('when a tile of the edge was damaged', async () => {
    const world = await sealedWorld();
    const size = (await world.checkpoints.fetch())!.tree_size;
    world.tiles.tiles.get(`tile/0/000.p/${size}`)![3]! ^= 1;
    await world.events(1);
    await expectHalt(world, /tile/);
  });

  it('when another sequencer seals', async () => {
    const world = await sealedWorld();
    await world.events(1);
    const { halted } = await world.runUntilQuiet((method, count) => {
      if (method === 'store.appendLeaves' && count === 1) void change(world, (state) => ({ ...state, round: state.round + 1 }));
      return undefined;
    }, SMALL);
    expect(halted).toMatch(/changed by someone else|another sequencer/);
  });
});

describe('what does not halt', () => {
  it('an ingest that lost its offsets finds everything there', async () => {
    const world = await sealedWorld();
    for (const partition of world.log.partitions.keys()) await world.log.commit('ledger.ingest', partition, 1, null);
    await world.events(7);
    expect(await world.runUntilQuiet(undefined, { ...SMALL, maxBatchRecords: 7 })).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
  });

  it('a sequencer that lost its offsets', async () => {
    const world = await sealedWorld();
    world.log.forget('ledger.sequencer');
    await world.events(7);
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
  });
});

describe('load on the engine', () => {
  it('a trickle of events is gathered: at most one insert per pause and source', async () => {
    const world = new World();
    const pauses: number[] = [];
    let inserts = 0;
    const plan = (method: string): undefined => {
      if (method === 'store.appendEvents') inserts += 1;
    };
    const pause = async (milliseconds: number): Promise<void> => {
      pauses.push(milliseconds);
      if (milliseconds === 200 && pauses.length < 20) await world.events(10);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await world.events(1);
    await world.runUntilQuiet(plan, { pause, gather: 200 });
    expect(pauses.filter((milliseconds) => milliseconds === 200)).toHaveLength(inserts);
    expect(await world.faults()).toEqual([]);
  });

  it('while events come without a break they gather longer, up to a bound; what comes alone or fills a batch does not wait longer', async () => {
    const world = new World();
    const pauses: number[] = [];
    const pause = (milliseconds: number): Promise<void> => Promise.resolve(void pauses.push(milliseconds));
    let now = 0;
    const real = new SystemClock();
    const clock = { nowUs: () => real.nowUs(), nowMs: () => real.nowMs(), offsetUs: () => 0, monotonicUs: () => now };
    const options = { pause, gather: 200, gatherMost: 800, maxBatchRecords: 10 };
    const service = new LedgerService({ ...world.ports(undefined, options), clock, roles: ['ingest'] });
    const come = async (count: number): Promise<void> => {
      const before = world.log.partitions.get('gateway')?.length ?? 0;
      await world.events(count);
      const records = world.log.partitions.get('gateway')!.slice(before);
      await service.ingest({ partition: 'gateway', records, firstOffset: records[0]!.offset, lastOffset: records.at(-1)!.offset });
    };
    for (let batch = 0; batch < 4; batch += 1) await come(2);
    expect(pauses).toEqual([200, 400, 800, 800]);
    await come(5);
    expect(pauses).toHaveLength(4);
    now += 150_000;
    await come(1);
    expect(pauses).toEqual([200, 400, 800, 800, 200]);
    await come(1);
    expect(pauses.at(-1)).toBe(400);
    service.stop();
    await service.finished();
  });

  it('large events that fill a batch are not followed by a wait', async () => {
    const world = new World();
    const pauses: number[] = [];
    const pause = async (milliseconds: number): Promise<void> => {
      pauses.push(milliseconds);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await world.events(8);
    await world.runUntilQuiet(undefined, { pause, gather: 200, maxBatchBytes: 1 });
    expect(pauses).not.toContain(200);
    expect(await world.faults()).toEqual([]);
  });
});
