import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Committed } from '#event-log';
import { BrokerWorld, type Running } from '../testing/broker-world.js';
import type { Fault } from '../testing/faults.js';
import { MemoryEventLog } from '../testing/memory-event-log.js';
import { MemoryRecorder } from '../testing/memory-recorder.js';

const SMALL = { maxBatchRecords: 4 };
const WRITES = ['store.appendEvents', 'store.logDigest', 'store.heldEvents', 'store.highestSeqs', 'log.commit', 'log.committed'] as const;
const FAULTS: readonly Fault[] = ['lost', 'applied', 'killed', 'killed-applied'];

/** Three sources, resends, holes and garbage. */
async function filled(): Promise<BrokerWorld> {
  const world = new BrokerWorld();
  await world.events(7);
  await world.events(5, world.other);
  world.ship(({ offset }) => offset !== 3, 1);
  world.garbage(Buffer.from('no event'));
  await world.events(6);
  await world.events(4, world.ledger);
  world.ship(({ offset }) => offset >= 2 && offset <= 5);
  world.ship(({ partition, offset }) => partition !== 'gateway' || offset > 7 || offset === 3, 2);
  world.garbage(Buffer.alloc(0));
  return world;
}

/** Waits, giving turns to whoever works, until the broker is ingested or the process is dead. */
async function settle(world: BrokerWorld, running: readonly Running[]): Promise<void> {
  let dead = 0;
  for (const { process } of running) void process.died.then(() => (dead += 1));
  for (let turns = 0; turns < 20_000 && dead < running.length && !world.ingested(); turns += 1) {
    if (running.some(({ service }) => service.halted !== null)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function ingest(world: BrokerWorld, plan?: Parameters<BrokerWorld['startIngest']>[0]): Promise<string | null> {
  const running = await world.startIngest(plan, SMALL);
  await settle(world, [running]);
  const { halted } = running.service;
  await running.stop();
  return halted;
}

describe('ingest over a broker', () => {
  it('takes every event once, whatever order, holes and resends it comes with', async () => {
    const world = await filled();
    expect(await ingest(world)).toBeNull();
    expect(world.ingested()).toBe(true);
    expect(world.rowFaults()).toEqual([]);
    expect(world.store.events.filter((row) => row.event_type === 'undecodable').map((row) => row.source_id)).toEqual([
      'affiant.request.v1/0',
      'affiant.request.v1/0',
    ]);
  });

  it('asks the store only for what may be there', async () => {
    const world = new BrokerWorld();
    let asked = 0;
    await world.events(40);
    world.ship();
    expect(await ingest(world, (method) => void (asked += method === 'store.heldEvents' ? 1 : 0))).toBeNull();
    expect(asked).toBe(1);
    world.ship(({ offset }) => offset > 30);
    expect(await ingest(world)).toBeNull();
    expect(world.rowFaults()).toEqual([]);
  });

  it('names in the intent what it drops, and cuts the batch where the list gets too long', async () => {
    const world = new BrokerWorld();
    await world.events(700);
    world.ship(({ offset }) => offset % 2 === 0);
    expect(await ingest(world)).toBeNull();
    world.ship();
    const intents: string[] = [];
    const running = await world.startIngest(undefined, { maxBatchRecords: 700 });
    const commit = world.broker.committed('ledger.ingest') as Map<string, Committed>;
    const set = commit.set.bind(commit);
    commit.set = (partition, position) => {
      if (position.metadata !== null) intents.push(position.metadata);
      return set(partition, position);
    };
    await settle(world, [running]);
    await running.stop();
    expect(intents.length).toBeGreaterThan(2);
    expect(Math.max(...intents.map((intent) => Buffer.byteLength(intent)))).toBeLessThan(4_000);
    expect(world.rowFaults()).toEqual([]);
  });

  it('replays an intent byte for byte in another process, and is not misled by what that process does not know', async () => {
    const world = await filled();
    expect(
      await ingest(world, (method, count) => (method === 'store.appendEvents' && count === 3 ? 'killed-first-half' : undefined)),
    ).toBeNull();
    const before = world.store.events.map((row) => row.log_offset);
    expect(await ingest(world)).toBeNull();
    expect(world.store.events.length).toBeGreaterThan(before.length);
    expect(world.rowFaults()).toEqual([]);
    const times = new Map<string, Set<number>>();
    for (const row of world.store.events) {
      const intent = `${row.log_partition} ${row.ingested_at}`;
      times.set(intent, new Set([...(times.get(intent) ?? []), row.log_offset]));
    }
    // A batch that was inserted in two halves by two processes carries one time.
    expect([...times.values()].some((offsets) => offsets.size > 1)).toBe(true);
  });

  it('halts on the same seq of a source with other bytes', async () => {
    const world = await filled();
    const log = new MemoryEventLog();
    await new MemoryRecorder(log, world.codec, 'gateway').record(Array.from({ length: 4 }, () => world.draft('forged')));
    const forged = log.partitions.get('gateway')![3]!;
    world.broker.produce(forged.topic, 1, forged.value);
    expect(await ingest(world)).toMatch(/ledger holds another event|two contents/);
    const twice = new BrokerWorld();
    await twice.events(3);
    twice.ship();
    twice.broker.produce(forged.topic, 1, log.partitions.get('gateway')![2]!.value);
    expect(await ingest(twice)).toMatch(/two contents/);
  });

  it('halts when the log gives other events than when the insert was intended', async () => {
    const world = await filled();
    await ingest(world, (method, count) => (method === 'store.appendEvents' && count === 1 ? 'killed' : undefined));
    const [partition] = [...world.broker.committed('ledger.ingest')].find(([, position]) => position.metadata !== null)!;
    world.broker.partitions.get(partition)!.pop();
    world.broker.partitions.get(partition)![0]!.value.fill(1);
    expect(await ingest(world)).toMatch(/other events than when the insert was intended/);
  });
});

describe.each(WRITES)('%s', (method) => {
  it.each(FAULTS.flatMap((fault) => [1, 2, 3, 5, 8].map((count) => [fault, count] as const)))('%s at call %i', async (fault, count) => {
    const world = await filled();
    await ingest(world, (called, calls) => (called === method && calls === count ? fault : undefined));
    world.ship(({ offset }) => offset % 3 === 0);
    expect(await ingest(world)).toBeNull();
    expect(world.ingested()).toBe(true);
    expect(world.rowFaults()).toEqual([]);
  });
});

describe('two members', () => {
  it.each([...WRITES, 'store.appendEvents/half'])('a rebalance while %s is on its way', async (where) => {
    const [method, half] = where.split('/') as [string, string?];
    for (const count of [1, 2, 3, 4, 6]) {
      const world = await filled();
      // The first member does not die: it is cut off for a while, as by a long pause, and goes on afterwards.
      const first = await world.startIngest((called, calls) => {
        if (called === method && calls === count) world.broker.rebalance('ledger.ingest');
        return half !== undefined && called === method && calls === count ? 'killed-first-half' : undefined;
      }, SMALL);
      const second = await world.startIngest((called, calls) => {
        if (called === method && calls === count + 1) world.broker.rebalance('ledger.ingest');
        return undefined;
      }, SMALL);
      if (half !== undefined) {
        await Promise.race([first.process.died, settle(world, [first, second])]);
        await first.stop();
      }
      await settle(world, [first, second]);
      world.ship(({ offset }) => offset % 4 === 0);
      await settle(world, [second]);
      expect([first.service.halted, second.service.halted]).toEqual([null, null]);
      await Promise.all([first.stop(), second.stop()]);
      expect(await ingest(world)).toBeNull();
      expect(world.rowFaults()).toEqual([]);
    }
  });

  it('one that gets a partition back does not rely on what it knew of it before', async () => {
    const world = new BrokerWorld();
    await world.events(5);
    world.ship();
    const first = await world.startIngest(undefined, SMALL);
    await settle(world, [first]);
    const second = await world.startIngest(undefined, SMALL);
    world.broker.rebalance('ledger.ingest');
    await world.events(5);
    world.ship(({ offset }) => offset > 5);
    await settle(world, [second]);
    world.broker.rebalance('ledger.ingest');
    world.ship(({ offset }) => offset > 3);
    await settle(world, [first]);
    expect([first.service.halted, second.service.halted]).toEqual([null, null]);
    await Promise.all([first.stop(), second.stop()]);
    expect(world.ingested()).toBe(true);
    expect(world.rowFaults()).toEqual([]);
  });

  it('what one began before it lost a partition does not go on when it has the partition again', async () => {
    const world = new BrokerWorld();
    await world.events(4);
    world.ship();
    let release = (): void => undefined;
    let held = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const stuck = new Promise<void>((resolve) => (held = resolve));
    const asked: number[] = [];
    const first = await world.startIngest(undefined, SMALL, ({ store }) => ({
      store: Object.assign(Object.create(store) as typeof store, {
        heldEvents: async (ranges: Parameters<typeof store.heldEvents>[0]) => {
          asked.push(ranges.length);
          const answer = await store.heldEvents(ranges);
          // It has its answer, and then hears nothing of the world for a long time.
          if (asked.length === 1) {
            held();
            await gate;
          }
          return answer;
        },
      }),
    }));
    await stuck;
    const second = await world.startIngest(undefined, SMALL);
    world.broker.rebalance('ledger.ingest');
    await settle(world, [second]);
    world.broker.rebalance('ledger.ingest');
    await world.events(3);
    world.ship(({ offset }) => offset > 4);
    for (let turns = 0; turns < 200 && asked.length < 2; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    release();
    await settle(world, [first]);
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect([first.service.halted, second.service.halted]).toEqual([null, null]);
    await Promise.all([first.stop(), second.stop()]);
    expect(world.rowFaults()).toEqual([]);
    expect(world.ingested()).toBe(true);
  });

  it('come and go and die wherever they like', async () => {
    const step = fc.record({
      at: fc.integer({ min: 1, max: 40 }),
      what: fc.constantFrom('rebalance', ...FAULTS, 'killed-first-half', 'killed-second-half' as const),
    });
    const life = fc.record({
      first: fc.array(step, { maxLength: 3 }),
      second: fc.array(step, { maxLength: 3 }),
      resend: fc.integer({ min: 2, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
        const world = await filled();
        for (const { first, second, resend } of lives) {
          const members = await Promise.all([first, second].map((steps) => member(world, steps)));
          await world.events(3);
          world.ship(({ offset }) => offset % resend === 0 || offset > world.log.partitions.get('gateway')!.length - 3);
          await settle(world, members);
          expect(members.map(({ service }) => service.halted)).toEqual([null, null]);
          await Promise.all(members.map((one) => one.stop()));
        }
        expect(await ingest(world)).toBeNull();
        expect(world.ingested()).toBe(true);
        expect(world.rowFaults()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

async function member(world: BrokerWorld, steps: readonly { readonly at: number; readonly what: Fault | 'rebalance' }[]): Promise<Running> {
  let calls = 0;
  return world.startIngest((method) => {
    calls += 1;
    const what = steps.find((one) => one.at === calls)?.what;
    if (what === 'rebalance') world.broker.rebalance('ledger.ingest');
    if (what === undefined || what === 'rebalance') return undefined;
    if (method === 'log.subscribe') return undefined;
    return what.endsWith('half') && method !== 'store.appendEvents' ? 'killed' : what;
  }, SMALL);
}
