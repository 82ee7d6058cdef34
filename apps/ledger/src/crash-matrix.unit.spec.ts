import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from './testing/faults.js';
import { World } from './testing/world.js';

/** Every call that changes something, in the order of the data flow. */
const WRITES = [
  'store.appendEvents',
  'store.logDigest',
  'store.heldEvents',
  'store.highestSeqs',
  'log.commit',
  'log.committed',
  'checkpoints.fetch',
  'checkpoints.replace',
  'store.appendLeaves',
  'tiles.put',
  'tiles.publish',
  'tiles.prune',
  'store.appendCheckpoint',
  'recorder.record',
] as const;

const FAULTS: readonly Fault[] = ['lost', 'applied', 'killed', 'killed-applied'];

async function filled(): Promise<World> {
  const world = new World();
  await world.events(7);
  world.gateway.corrupt(Buffer.from('no event'));
  await world.events(5);
  await world.events(4, world.other);
  world.gateway.corrupt(Buffer.alloc(0));
  await world.events(3);
  return world;
}

const SMALL = { maxBatchRecords: 4, maxRoundLeaves: 6 };

describe('without faults', () => {
  it('everything is in the ledger once, sealed and told of', async () => {
    const world = await filled();
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
    expect((await world.checkpoints.fetch())?.round).toBeGreaterThan(2);
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

  it('a damaged event of its own source is told of too, and does not end in a loop', async () => {
    const world = await filled();
    world.ledger.corrupt(Buffer.from('no event either'));
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
  });

  it('a log without events has no checkpoint', async () => {
    const world = new World();
    expect(await world.runUntilQuiet()).toEqual({ halted: null });
    expect(await world.checkpoints.fetch()).toBeNull();
    expect(await world.faults()).toEqual([]);
  });
});

describe.each(WRITES)('%s', (method) => {
  it.each(FAULTS.flatMap((fault) => [1, 2, 3, 5, 8].map((count) => [fault, count] as const)))('%s at call %i', async (fault, count) => {
    const world = await filled();
    await world.runUntilQuiet((called, calls) => (called === method && calls === count ? fault : undefined), SMALL);
    expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
  });
});

describe('crash loops', () => {
  it.each([
    ['recorder.record', 'killed-first-half'],
    ['store.appendEvents', 'killed-first-half'],
    ['store.appendEvents', 'killed-second-half'],
    ['store.appendLeaves', 'killed-first-half'],
    ['store.appendLeaves', 'killed-second-half'],
  ] as const)('%s %s, and more events arrive before the restart', async (method, fault) => {
    for (const count of [1, 2, 3, 4]) {
      const world = await filled();
      await world.runUntilQuiet((called, calls) => (called === method && calls === count ? fault : undefined), SMALL);
      await world.events(9);
      await world.events(9, world.other);
      expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
      expect(await world.faults()).toEqual([]);
    }
  });

  it('end in the same rows and a root that follows from the raw events, wherever they hit', async () => {
    const crash = fc.record({ at: fc.integer({ min: 1, max: 60 }), fault: fc.constantFrom(...FAULTS, 'killed-first-half' as const) });
    const life = fc.record({ crashes: fc.array(crash, { maxLength: 3 }), arriving: fc.integer({ min: 0, max: 9 }), corrupt: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
        const world = new World();
        await world.events(3);
        for (const { crashes, arriving, corrupt } of lives) {
          let calls = 0;
          const running = world.runUntilQuiet((method) => {
            calls += 1;
            const fault = crashes.find((one) => one.at === calls)?.fault;
            return fault === 'killed-first-half' && !/record$|append(Events|Leaves)$/.test(method) ? 'killed' : fault;
          }, SMALL);
          await world.events(arriving);
          await world.events(arriving, world.other);
          if (corrupt) world.gateway.corrupt(Buffer.from([calls]));
          expect(await running).toEqual({ halted: null });
        }
        expect(await world.runUntilQuiet(undefined, SMALL)).toEqual({ halted: null });
        expect(await world.faults()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
