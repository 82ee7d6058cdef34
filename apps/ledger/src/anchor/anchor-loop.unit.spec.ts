import { describe, expect, it } from 'vitest';
import { checkNote, cosign, cosignerKey, parseNote, parseTrustPolicy } from '#tlog';
import { signerOf } from '../../../../libs/signing/src/memory-signer.fixture.js';
import { AnchorLoop } from './anchor-loop.js';
import type { AnchorPorts, WitnessPort } from './ports.js';
import { AnchorWorld, logKey } from './testing.fixture.js';

const keys = ['a', 'b', 'c'].map((name) => signerOf(`witness.test/${name}`));
const policy = parseTrustPolicy(
  [`log ${logKey.vkey}`, ...keys.map((key, index) => `witness ${'abc'[index]} ${key.cosignerVkey}`), 'group g 2 a b c', 'quorum g'].join(
    '\n',
  ),
);

/** Witnesses that sign whatever they are shown, at times that differ each time. */
function witnesses(away: ReadonlySet<string> = new Set()): WitnessPort[] {
  return keys.map((key, index) => {
    const name = 'abc'[index]!;
    return {
      name,
      cosign: async ({ note }) => {
        if (away.has(name)) throw new Error('away');
        time += 1;
        return cosign(parseNote(note).text, key, time);
      },
      timestampIn: (note) => cosignerKey(key.cosignerVkey).timestampIn(parseNote(note)),
    };
  });
}
let time = 1_700_000_000;

describe('the anchor loop', () => {
  it('keeps, tells and publishes what a quorum has cosigned', async () => {
    const world = new AnchorWorld();
    const loop = new AnchorLoop(world.ports(witnesses(new Set(['b'])), 2));
    expect(await loop.once()).toBe(false);
    await world.grow(300);
    expect(await loop.once()).toBe(true);
    const note = (await world.cosigned.latest())!;
    expect(await world.cosigned.get(300)).toBe(note);
    expect(checkNote(policy, note)).toMatchObject({ head: { size: 300 }, witnesses: [{ name: 'a' }, { name: 'c' }] });
    expect(world.store.anchors).toMatchObject([{ tree_size: 300, note, witness_names: ['a', 'c'] }]);
    expect(world.told).toMatchObject([
      { type: 'control', event: { kind: 'checkpoint.cosigned', outcome: 'success', subject: logKey.name } },
    ]);
    expect(loop.health()).toMatchObject({
      size: 300,
      quorum: 2,
      witnesses: [{ failing: null }, { name: 'b', failing: 'away' }, { failing: null }],
    });
    expect(loop.health().lastUs).not.toBeNull();
  });

  it('publishes nothing below the quorum, and catches up when the witnesses are back', async () => {
    const world = new AnchorWorld();
    const away = new Set(['a', 'b']);
    const loop = new AnchorLoop(world.ports(witnesses(away), 2));
    await world.grow(5);
    expect(await loop.once()).toBe(true);
    expect([world.cosigned.notes.size, world.store.anchors.length, world.told.length, loop.health().size]).toEqual([0, 0, 0, 0]);
    away.clear();
    await world.grow(5);
    await loop.once();
    expect(loop.health().size).toBe(10);
  });

  it('finds nothing worth anchoring in its own event alone', async () => {
    const world = new AnchorWorld();
    const loop = new AnchorLoop(world.ports(witnesses(), 2));
    await world.grow(5);
    expect(await loop.once()).toBe(true);
    await world.grow(1);
    expect(await loop.once()).toBe(false);
    await world.grow(1);
    expect(await loop.once()).toBe(true);
    expect([...world.cosigned.notes.keys()]).toEqual([5, 7]);
  });

  it('does nothing while it does not lead, and nothing when no witness is configured', async () => {
    const world = new AnchorWorld();
    await world.grow(5);
    const following = new AnchorLoop({ ...world.ports(witnesses(), 2), sealed: () => null });
    expect(await following.once()).toBe(false);
    const none = new AnchorLoop(world.ports([], 0));
    none.start();
    await none.stop();
    expect([none.health().witnesses, world.cosigned.notes.size]).toEqual([[], 0]);
  });

  it('writes the row of the newest again into a ledger store that was rebuilt', async () => {
    const world = new AnchorWorld();
    await world.grow(9);
    await new AnchorLoop(world.ports(witnesses(), 2)).once();
    world.store.anchors.length = 0;
    const rebuilt = { ...world.ports(witnesses(), 2), store: new AnchorWorld().store };
    const loop = new AnchorLoop(rebuilt);
    expect(await loop.once()).toBe(false);
    expect(rebuilt.store.anchors).toMatchObject([{ tree_size: 9, note: await world.cosigned.get(9) }]);
    expect(loop.health()).toMatchObject({ size: 9 });
    expect(loop.health().lastUs).toBeGreaterThan(1_700_000_000_000_000);
  });
});

/** Every write of the loop, failing before it is applied or after. */
const STEPS = ['put', 'appendAnchor', 'record', 'publish'] as const;

describe.each(STEPS.flatMap((step) => (['before', 'after'] as const).map((when) => [when, step] as const)))(
  'a crash %s %s',
  (when, step) => {
    it.each(['with', 'without'])('is mended by the restart, %s new leaves', async (more) => {
      const world = new AnchorWorld();
      await world.grow(20);
      const { store, cosigned, recorder, ...rest } = world.ports(witnesses(), 2);
      const failing = <F extends (...args: never[]) => Promise<unknown>>(name: (typeof STEPS)[number], work: F): F =>
        (async (...args: Parameters<F>) => {
          if (name !== step) return work(...args);
          if (when === 'after') await work(...args);
          throw new Error('killed');
        }) as unknown as F;
      const ports = {
        ...rest,
        cosigned: {
          put: failing('put', (size: number, note: string) => cosigned.put(size, note)),
          publish: failing('publish', (note: string) => cosigned.publish(note)),
          get: (size: number) => cosigned.get(size),
          latest: () => cosigned.latest(),
        },
        store: { lastAnchor: () => store.lastAnchor(), appendAnchor: failing('appendAnchor', (row: never) => store.appendAnchor(row)) },
        recorder: { ...recorder, record: failing('record', (drafts: never) => recorder.record(drafts)) },
      } as AnchorPorts;
      await expect(new AnchorLoop(ports).once()).rejects.toThrow('killed');

      if (more === 'with') await world.grow(5);
      const restarted = new AnchorLoop(world.ports(witnesses(), 2));
      await restarted.once();
      const size = more === 'with' ? 25 : 20;
      expect(restarted.health().size).toBe(size);
      const latest = (await world.cosigned.latest())!;
      expect(checkNote(policy, latest).head.size).toBe(size);
      expect(await world.cosigned.get(size)).toBe(latest);
      // One row a size, each with the note that is kept; each row and the published one were told.
      const told = world.told.map(({ event }) => (event as unknown as { attributes: { name: string; value: string }[] }).attributes);
      const sizes = new Set(told.map((attributes) => Number(attributes.find(({ name }) => name === 'tree_size')!.value)));
      for (const row of world.store.anchors) {
        expect(row.note).toBe(await world.cosigned.get(row.tree_size));
        expect(sizes).toContain(row.tree_size);
      }
      expect(new Set(world.store.anchors.map((row) => row.tree_size)).size).toBe(world.store.anchors.length);
      expect(sizes).toContain(size);
    });
  },
);
