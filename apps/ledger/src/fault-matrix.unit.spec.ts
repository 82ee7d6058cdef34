import { describe, expect, it } from 'vitest';
import type { Fault } from './testing/faults.js';
import { Sealing } from './testing/sealing.js';

/** Every write of the sealing path, in the order of a round. The sealed state is swapped twice: when the round is opened, and when it is sealed. */
const WRITES = [
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
  'no answer and a restart, not applied': 'killed',
  'no answer and a restart, but applied': 'killed-applied',
  'applied twice': 'twice',
};

/** The journal of this process: no network lies between, and a second append would be a second event. */
const NOT_TWICE = 'recorder.record';

/** A first round, so that there is an edge; the one that is disturbed, which fills a tile and tells of a dead letter; one more, which shows that all goes on. */
async function run(disturb?: { readonly call: string; readonly fault: Fault }, watch: (call: string) => void = () => undefined) {
  const sealing = new Sealing();
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

const calls: string[] = [];
const undisturbed = await run(undefined, (call) => calls.push(call));

const cases = calls.flatMap((call) =>
  Object.entries(FAULTS)
    .filter(([, fault]) => fault !== 'twice' || !call.startsWith(NOT_TWICE))
    .map(([name, fault]) => ({ call, name, fault })),
);

describe('the fault matrix of the sealing path', () => {
  it('covers every write of a round', () => {
    expect(new Set(calls.map((call) => call.split(' ')[0]))).toEqual(new Set(WRITES));
    expect(calls.filter((call) => call.startsWith('checkpoints.replace'))).toHaveLength(2);
    expect(calls.filter((call) => call.startsWith('tiles.put')).length).toBeGreaterThanOrEqual(3);
    expect(undisturbed.kept).toMatchObject({ sealed: { round: 3, tree_size: 250 + 10 + 1 + 5 + 3 + 1, open: null }, violations: [] });
  });

  it.each(cases)('$call: $name', async ({ call, fault }) => {
    const { lives, kept, tiles } = await run({ call, fault });
    expect(kept).toEqual(undisturbed.kept);
    for (const [path, bytes] of undisturbed.tiles) expect(tiles.get(path), path).toBe(bytes);
    // A crash before the pruning leaves partial tiles: a beginning of the full tile, as any reader may have cached them.
    const left = [...tiles.keys()].filter((path) => !undisturbed.tiles.has(path));
    const isBeginning = (path: string): boolean =>
      undisturbed.tiles.get(path.slice(0, path.indexOf('.p/')))?.startsWith(tiles.get(path)!) === true;
    expect(left.filter((path) => !isBeginning(path))).toEqual([]);
    expect(lives).toBe(fault.startsWith('killed') ? 2 : call.startsWith('checkpoints.replace') && fault === 'twice' ? 2 : 1);
  });
});
