import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerWorld } from '../testing/broker-world.js';
import type { Fault } from '../testing/faults.js';

const SMALL = { maxBatchRecords: 4, maxRoundLeaves: 6 };
const FAULTS: readonly Fault[] = ['lost', 'applied', 'killed', 'killed-applied'];
const CALLS = [
  'store.appendEvents',
  'store.heldEvents',
  'log.commit',
  'events.eventCount',
  'events.otherSources',
  'events.progress',
  'events.readEvents',
  'checkpoints.fetch',
  'checkpoints.replace',
  'store.lastCheckpoint',
  'store.appendLeaves',
  'tiles.put',
  'tiles.publish',
  'store.appendCheckpoint',
  'recorder.record',
] as const;

/** Sources whose events come late, twice and beside each other, and garbage. */
async function filled(): Promise<BrokerWorld> {
  const world = new BrokerWorld();
  await world.events(9);
  world.ship(({ offset }) => offset !== 4 && offset !== 5, 1);
  world.garbage(Buffer.from('no event'));
  await world.events(5, world.other);
  world.shipByItself();
  await world.events(6);
  world.ship(({ offset }) => offset >= 3 && offset <= 6);
  world.ship(({ partition }) => partition === 'other');
  world.garbage(Buffer.alloc(0), 'affiant.control.v1');
  return world;
}

describe('the sequencer over the stored events', () => {
  it('seals everything once, in the order of each source, and tells of it once', async () => {
    const world = await filled();
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
    expect(world.rowFaults()).toEqual([]);
    expect((await world.checkpoints.fetch())?.round).toBeGreaterThan(2);
    expect(world.store.leaves.filter((leaf) => leaf.source_id.includes('/'))).toHaveLength(2);
  });

  it('nothing new means no new round, also over restarts', async () => {
    const world = await filled();
    await world.runUntilQuiet(undefined, SMALL);
    const before = await world.checkpoints.fetch();
    await world.runUntilQuiet(undefined, SMALL);
    await world.runUntilQuiet(undefined, SMALL);
    expect(await world.checkpoints.fetch()).toEqual(before);
    expect(await world.faults()).toEqual([]);
  });

  it('seals nothing past a hole, and all of it when the resend comes', async () => {
    const world = new BrokerWorld();
    world.shipByItself();
    await world.events(3, world.other);
    world.log.onAppend = () => undefined;
    await world.events(8);
    world.ship(({ partition, offset }) => partition === 'gateway' && offset !== 3);
    world.shipByItself();
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect((await world.checkpoints.fetch())?.frontiers).toMatchObject({ gateway: 2, other: 3 });
    world.ship(({ partition, offset }) => partition === 'gateway' && offset === 3);
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect((await world.checkpoints.fetch())?.frontiers).toMatchObject({ gateway: 8 });
    expect(await world.faults()).toEqual([]);
  });

  it('does not tell again what its journal has but the broker has not yet', async () => {
    const world = await filled();
    world.log.onAppend = () => undefined;
    await world.runUntilQuiet((method, count) => (method === 'recorder.record' && count === 1 ? 'killed-applied' : undefined), SMALL);
    expect(world.ownEvents().length).toBeGreaterThan(0);
    await world.runUntilQuiet(undefined, SMALL);
    world.ship(({ partition }) => partition === 'ledger');
    world.shipByItself();
    await world.runUntilQuiet(undefined, SMALL);
    expect(await world.faults()).toEqual([]);
  });
});

describe.each(CALLS)('%s', (method) => {
  it.each(FAULTS.flatMap((fault) => [1, 2, 3, 5, 8].map((count) => [fault, count] as const)))('%s at call %i', async (fault, count) => {
    const world = await filled();
    await world.runUntilQuiet((called, calls) => (called === method && calls === count ? fault : undefined), SMALL);
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
    expect(world.rowFaults()).toEqual([]);
  });
});

describe('crash loops', () => {
  it('end in the same rows and a root that follows from the raw events, wherever they hit', async () => {
    const crash = fc.record({ at: fc.integer({ min: 1, max: 80 }), fault: fc.constantFrom(...FAULTS) });
    const life = fc.record({
      crashes: fc.array(crash, { maxLength: 3 }),
      arriving: fc.integer({ min: 0, max: 9 }),
      resend: fc.integer({ min: 2, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 5 }), async (lives) => {
        const world = await filled();
        for (const { crashes, arriving, resend } of lives) {
          let calls = 0;
          const running = world.runUntilQuiet((method) => {
            calls += 1;
            return method === 'log.subscribe' ? undefined : crashes.find((one) => one.at === calls)?.fault;
          }, SMALL);
          await world.events(arriving);
          world.ship(({ offset }) => offset % resend === 0);
          expect(await running).toEqual({ halted: null });
        }
        expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
        expect(await world.faults()).toEqual([]);
        expect(world.rowFaults()).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
