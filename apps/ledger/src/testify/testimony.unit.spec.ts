import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EventCodec, SystemClock, type Clock } from '#events';
import { decodeLeaf, type SealedState } from '#tlog';
import type { LedgerGap } from '../ports.js';
import { GENESIS } from '../sequence/sealed-state.js';
import type { FaultPlan } from '../testing/faults.js';
import { World } from '../testing/world.js';
import { Testimony } from './testimony.js';

const MINUTE = 60_000;
const codec = new EventCodec();

class Clocked {
  nowMs = 1_790_000_000_000;
  readonly world = new World();
  readonly clock: Clock = Object.assign(new SystemClock(), { nowMs: () => this.nowMs, nowUs: () => this.nowMs * 1_000 });
  testimony = this.term();

  term(): Testimony {
    const { signer, ledger: recorder, words, trail } = this.world;
    const times = { frontierInterval: MINUTE, gapAfter: 15 * MINUTE, abortAfter: 60 * MINUTE };
    return new Testimony({ signer, recorder, codec, clock: this.clock }, words, trail, times);
  }

  told(...kinds: string[]): Record<string, unknown>[] {
    return this.world.ownEvents().filter(({ kind }) => kinds.includes(kind as string));
  }
}

const sealedAt = (frontiers: Record<string, number>): SealedState => {
  const heads = Object.fromEntries(Object.keys(frontiers).map((source) => [source, 'ab'.repeat(32)]));
  return { ...GENESIS, round: 7, tree_size: 20, frontiers, heads };
};
const detailOf = (event: Record<string, unknown> | undefined): unknown => JSON.parse(event!['detail'] as string);
const factsOf = (event: Record<string, unknown> | undefined): Record<string, string> =>
  Object.fromEntries((event!['attributes'] as { name: string; value: string }[]).map(({ name, value }) => [name, value]));

describe('schemas', () => {
  it('are recorded once, as the text that the digest in the leaf is of', async () => {
    const one = new Clocked();
    await one.testimony.give(GENESIS, []);
    expect(one.world.ownEvents()).toEqual([]);
    await one.testimony.give(sealedAt({ gateway: 3 }), []);
    await one.testimony.give(sealedAt({ gateway: 4 }), []);
    await one.term().give(sealedAt({ gateway: 4 }), []);
    const events = one.told('schema.registered');
    expect(events.map(({ subject }) => subject)).toEqual(codec.readable.map(({ sha256 }) => sha256));
    for (const { subject, detail } of events)
      expect(
        createHash('sha256')
          .update(detail as string)
          .digest('hex'),
      ).toBe(subject);
  });
});

describe('the frontier', () => {
  it('is told once a minute, while anything of another source is new', async () => {
    const one = new Clocked();
    const give = (gateway: number, ledger: number) => one.testimony.give(sealedAt({ gateway, ledger }), []);
    await give(3, 1);
    expect(one.told('ledger.frontier')).toEqual([]);
    one.nowMs += MINUTE;
    await give(5, 1);
    await give(6, 2);
    one.nowMs += MINUTE - 1;
    await give(7, 2);
    expect(one.told('ledger.frontier')).toHaveLength(1);
    one.nowMs += 1;
    await give(8, 3);
    one.nowMs += MINUTE;
    await give(8, 4);
    const events = one.told('ledger.frontier');
    expect(events.map((event) => detailOf(event))).toMatchObject([
      [
        { source: 'gateway', seq: 5, head: 'ab'.repeat(32) },
        { source: 'ledger', seq: 1 },
      ],
      [
        { source: 'gateway', seq: 8 },
        { source: 'ledger', seq: 3 },
      ],
    ]);
    expect(factsOf(events[1])).toMatchObject({ round: '7', tree_size: '20', sources: '2', part: '1', parts: '1' });
  });

  it('of many sources is told in numbered parts', async () => {
    const one = new Clocked();
    one.nowMs += MINUTE;
    await one.testimony.give(sealedAt(Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`s${index}`, index + 1]))), []);
    const events = one.told('ledger.frontier');
    expect(events.map((event) => `${factsOf(event)['part']}/${factsOf(event)['parts']}`)).toEqual(['1/3', '2/3', '3/3']);
    expect(new Set(events.flatMap((event) => (detailOf(event) as { source: string }[]).map(({ source }) => source))).size).toBe(2_001);
  });
});

describe('a gap', () => {
  const gap = (one: Clocked, seq = 4, missing = 5): LedgerGap => ({ source: 'gateway', seq, missing, sinceUs: one.nowMs * 1_000 });

  it('is recorded when it is old enough, once, also in a later term, and its end too', async () => {
    const one = new Clocked();
    const hole = gap(one);
    one.nowMs += 15 * MINUTE - 1;
    await one.testimony.give(sealedAt({ gateway: 3 }), [hole]);
    expect(one.told('ledger.gap')).toEqual([]);
    one.nowMs += 1;
    await one.testimony.give(sealedAt({ gateway: 3 }), [hole]);
    await one.testimony.give(sealedAt({ gateway: 3 }), [hole]);
    one.testimony = one.term();
    // Filled in part, from both ends: still the range that was told.
    await one.testimony.give(sealedAt({ gateway: 4 }), [{ ...hole, seq: 5, missing: 2 }]);
    expect(one.told('ledger.gap')).toHaveLength(1);
    expect(one.told('ledger.gap')[0]).toMatchObject({ subject: 'gateway', outcome: 'failure' });
    expect(factsOf(one.told('ledger.gap')[0])).toEqual({
      from: '4',
      to: '8',
      missing: '5',
      round: '7',
      tree_size: '20',
      since: expect.stringMatching(/Z$/) as string,
    });
    await one.testimony.give(sealedAt({ gateway: 7 }), []);
    expect(one.told('ledger.gap_closed')).toEqual([]);
    await one.testimony.give(sealedAt({ gateway: 8 }), []);
    await one.term().give(sealedAt({ gateway: 9 }), []);
    expect(one.told('ledger.gap_closed')).toHaveLength(1);
    expect(factsOf(one.told('ledger.gap_closed')[0])).toMatchObject({ from: '4', to: '8', round: '7' });
  });

  it('stands in the frontier as what is missing', async () => {
    const one = new Clocked();
    one.nowMs += MINUTE;
    await one.testimony.give(sealedAt({ other: 3 }), [gap(one, 1, 2)]);
    expect(detailOf(one.told('ledger.frontier')[0])).toEqual([
      { source: 'gateway', seq: 0, head: '', missing: [1, 2] },
      { source: 'other', seq: 3, head: 'ab'.repeat(32) },
    ]);
  });

  it('is told again only when it may not have been recorded', async () => {
    const one = new Clocked();
    const { record } = one.world.ledger;
    let fail = true;
    one.world.ledger.record = async (drafts) => {
      if (fail) throw new Error('no answer');
      return record.call(one.world.ledger, drafts);
    };
    const hole = { ...gap(one), sinceUs: 0 };
    await expect(one.testimony.give(sealedAt({ gateway: 3 }), [hole])).rejects.toThrow('no answer');
    fail = false;
    await one.testimony.give(sealedAt({ gateway: 3 }), [hole]);
    expect(one.told('ledger.gap')).toHaveLength(1);
  });
});

describe('in the running ledger', () => {
  it('each has a leaf of its own type, and the ledger comes to rest', async () => {
    const world = new World();
    await world.events(9);
    await world.events(4, world.other);
    const run = () =>
      world.runUntilQuiet(undefined, { maxRoundLeaves: 6, frontierInterval: 0 }, { words: world.words, trail: world.trail });
    expect(await run()).toEqual({ halted: null });
    expect(await run()).toEqual({ halted: null });
    expect(await world.faults()).toEqual([]);
    const types = world.store.leaves.map(({ leaf }) => decodeLeaf(leaf).type);
    expect(types.filter((type) => type === 'schema')).toHaveLength(codec.readable.length);
    expect(types).toContain('frontier');
  });

  it.each(['lost', 'applied', 'killed', 'killed-applied', 'killed-first-half'] as const)('survives recorder.record %s', async (fault) => {
    for (const call of [1, 2, 3, 4, 5]) {
      const world = new World();
      const run = (plan?: FaultPlan) =>
        world.runUntilQuiet(plan, { maxRoundLeaves: 6, frontierInterval: 0 }, { words: world.words, trail: world.trail });
      await world.events(9);
      await run((method, count) => (method === 'recorder.record' && count === call ? fault : undefined));
      await world.events(4, world.other);
      expect(await run()).toEqual({ halted: null });
      expect(await world.faults()).toEqual([]);
      const schemas = world.ownEvents().filter(({ kind }) => kind === 'schema.registered');
      expect(new Set(schemas.map(({ subject }) => subject)).size).toBe(codec.readable.length);
    }
  });
});
