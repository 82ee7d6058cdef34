import { describe, expect, it } from 'vitest';
import type { Fault } from './faults.js';
import { Sealing } from './sealing.js';
import type { WorldStores } from './world.js';

/** Every write of the sealing path, in the order of a round. The sealed state is swapped twice: when the round is opened, and when it is sealed. */
export const WRITES = [
  'checkpoints.replace',
  'store.appendLeaves',
  'tiles.put',
  'store.appendCheckpoint',
  'tiles.publish',
  'recorder.record',
  'log.commit',
  'tiles.prune',
];

const FAULTS: Readonly<Record<string, Fault>> = {
  'an error, not applied': 'lost',
  'an error, but applied': 'applied',
  'no answer in time, and applied later': 'late',
  'no answer and a restart, not applied': 'killed',
  'no answer and a restart, but applied': 'killed-applied',
  'applied twice': 'twice',
};

/** The journal of this process: no network lies between, and a second append would be a second event. */
const LOCAL = 'recorder.record';
const NETWORK_FAULTS: readonly Fault[] = ['twice', 'late'];

type Disturbance = { readonly call: string; readonly fault: Fault };

/** A first round, so that there is an edge; the one that is disturbed, which fills a tile and tells of a dead letter; one more, which shows that all goes on. */
async function run(stores?: WorldStores, disturb?: Disturbance, watch: (call: string) => void = () => undefined) {
  const sealing = new Sealing(undefined, stores);
  const { world } = sealing;
  await world.events(250);
  await sealing.seal();
  await world.events(10);
  world.gateway.corrupt(Buffer.from('no event'));
  await world.events(5, world.other);
  const lives = await sealing.seal((method, count) => {
    const call = `${method} ${count}`;
    if (WRITES.includes(method)) watch(call);
    return call === disturb?.call ? disturb.fault : undefined;
  });
  await world.events(3);
  await sealing.seal();
  return { lives, faults: await world.faults(), ...(await sealing.outcome()) };
}

/** Writes of the disturbed round, in memory and undisturbed, and what is there in the end: every adapter and every fault must lead to the same. */
const calls: string[] = [];
const undisturbed = await run(undefined, undefined, (call) => calls.push(call));

/**
 * Each of these writes, with each fault: recovery ends in the same bytes as without it, and as in memory.
 * @param open stores that hold nothing, one after the other; default: in memory
 */
export function faultMatrix(name: string, open?: () => Promise<WorldStores>, writes: readonly string[] = WRITES): void {
  const cases = calls
    .filter((call) => writes.includes(call.split(' ')[0]!))
    .flatMap((call) =>
      Object.entries(FAULTS)
        .filter(([, fault]) => !NETWORK_FAULTS.includes(fault) || !call.startsWith(LOCAL))
        .map(([what, fault]) => ({ call, what, fault })),
    );

  describe(`the fault matrix of the sealing path, ${name}`, () => {
    it('covers every write of a round', () => {
      expect(new Set(calls.map((call) => call.split(' ')[0]))).toEqual(new Set(WRITES));
      expect(calls.filter((call) => call.startsWith('checkpoints.replace'))).toHaveLength(2);
      expect(calls.filter((call) => call.startsWith('tiles.put')).length).toBeGreaterThanOrEqual(3);
      expect(undisturbed.kept).toMatchObject({ sealed: { round: 3, tree_size: 250 + 10 + 1 + 5 + 3 + 1, open: null }, violations: [] });
    });

    it.each(cases)('$call: $what', async ({ call, fault }) => {
      const { lives, kept, tiles, faults } = await run(await open?.(), { call, fault });
      expect(kept).toEqual(undisturbed.kept);
      expect(faults).toEqual(undisturbed.faults);
      for (const [path, bytes] of undisturbed.tiles) expect(tiles.get(path), path).toBe(bytes);
      // A crash before the pruning leaves partial tiles: a beginning of the full tile, as any reader may have cached them.
      const left = [...tiles.keys()].filter((path) => !undisturbed.tiles.has(path));
      const isBeginning = (path: string): boolean =>
        undisturbed.tiles.get(path.slice(0, path.indexOf('.p/')))?.startsWith(tiles.get(path)!) === true;
      expect(left.filter((path) => !isBeginning(path))).toEqual([]);
      // Whoever finds the sealed state changed by somebody else, perhaps by a write of its own, does not go on.
      const isSuperseded = call.startsWith('checkpoints.replace') && (fault === 'twice' || fault === 'late');
      expect(lives).toBe(fault.startsWith('killed') || isSuperseded ? 2 : 1);
    });
  });
}
