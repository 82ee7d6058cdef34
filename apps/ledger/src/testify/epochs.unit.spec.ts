import { describe, expect, it } from 'vitest';
import { SystemClock, type Clock, type Control, type EventDraft } from '#events';
import { decodeLeaf } from '#tlog';
import { World } from '../testing/world.js';
import { requestDraft, responseDraft } from '../testing/exchange-drafts.js';
import type { LedgerPorts } from '../ports.js';

const HOUR = 3_600_000;

/** A world that testifies; its clock stands still unless it is moved. */
class Testifying extends World {
  at = 1_790_000_000_000;
  readonly still: Clock = Object.assign(new SystemClock(), { nowMs: () => this.at, nowUs: () => this.at * 1_000 });

  async run(change: Partial<LedgerPorts> = {}): Promise<void> {
    const real = new SystemClock();
    // The wait for rest is by the real clock; what is said and sealed is by ours.
    const clock: Clock = Object.assign(new SystemClock(), { nowMs: () => real.nowMs(), nowUs: () => this.at * 1_000 });
    const { halted } = await this.runUntilQuiet(
      undefined,
      { frontierInterval: 0, abortAfter: HOUR },
      { words: this.words, trail: this.trail, clock, ...change },
    );
    expect(halted).toBeNull();
    expect(await this.faults()).toEqual([]);
  }

  told(...kinds: string[]): { kind: string; subject: string; outcome: string; facts: Record<string, string> }[] {
    return (this.ownEvents() as unknown as Control[])
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ kind, subject, outcome, attributes }) => ({
        kind,
        subject: subject ?? '',
        outcome,
        facts: Object.fromEntries(attributes.map(({ name, value }) => [name, value])),
      }));
  }

  lives(source: string): string[] {
    return this.told('epoch.opened', 'epoch.closed')
      .filter(({ subject }) => subject === source)
      .map(({ kind, facts: { epoch, first, last, ended, stop, next } }) =>
        kind === 'epoch.opened' ? `${epoch} from ${first}` : `${epoch} ${first}-${last} ${ended} ${stop ?? '-'} then ${next ?? '-'}`,
      );
  }
}

describe('epochs', () => {
  it('are told as opened, and as closed when the source says that it ends, once over terms', async () => {
    const world = new Testifying();
    await world.events(3);
    await world.run();
    await world.run();
    expect(world.lives('gateway')).toEqual(['1 from 1']);
    await world.gateway.record([world.draft('gateway.stopped')]);
    await world.run();
    expect(world.lives('gateway')).toEqual(['1 from 1', '1 1-4 announced 4 then -']);
    world.gateway.bootEpoch = 2;
    await world.events(2);
    await world.run();
    await world.run();
    expect(world.lives('gateway')).toEqual(['1 from 1', '1 1-4 announced 4 then -', '2 from 5']);
    expect(world.told('epoch.opened').at(-1)).toMatchObject({ outcome: 'success', facts: { build: 'test', first: '5' } });
  });

  it('that end without a word are told so when the next one begins, all of them', async () => {
    const world = new Testifying();
    await world.events(2);
    world.gateway.bootEpoch = 4;
    await world.events(1);
    world.gateway.bootEpoch = 5;
    await world.events(2);
    await world.run();
    expect(world.lives('gateway')).toEqual([
      '1 from 1',
      '1 1-2 unannounced - then 4',
      '4 from 3',
      '4 3-3 unannounced - then 5',
      '5 from 4',
    ]);
    expect(world.told('epoch.closed').map(({ outcome }) => outcome)).toEqual(['failure', 'failure']);
    const types = world.store.leaves.map(({ leaf }) => decodeLeaf(leaf).type);
    expect(types.filter((type) => type === 'epoch').length).toBeGreaterThanOrEqual(5);
  });

  it('are told again, with the later end, when something came after the word', async () => {
    const world = new Testifying();
    await world.events(1);
    await world.gateway.record([world.draft('gateway.stopped')]);
    await world.run();
    await world.events(1);
    world.gateway.bootEpoch = 2;
    await world.events(1);
    await world.run();
    expect(world.lives('gateway')).toEqual(['1 from 1', '1 1-2 announced 2 then -', '1 1-3 announced 2 then 2', '2 from 4']);
  });

  it('of the ledger itself are told by the next one that leads, never by itself', async () => {
    const world = new Testifying();
    await world.ledger.record([world.draft('ledger.started')]);
    await world.events(1);
    await world.run();
    await world.ledger.record([world.draft('ledger.stopped')]);
    await world.run();
    expect(world.lives('ledger')).toEqual(['1 from 1']);
    world.ledger.bootEpoch = 2;
    await world.ledger.record([world.draft('ledger.started')]);
    await world.run();
    const [opened, closed, next] = world.lives('ledger');
    expect(opened).toBe('1 from 1');
    expect(closed).toMatch(/^1 1-\d+ announced \d+ then 2$/);
    expect(next).toMatch(/^2 from/);
  });

  it.each(['lost', 'applied', 'killed', 'killed-applied', 'killed-first-half'] as const)('survive recorder.record %s', async (fault) => {
    for (const call of [1, 2, 3, 4]) {
      const world = new Testifying();
      await world.events(4);
      world.gateway.bootEpoch = 2;
      await world.events(1);
      await world.runUntilQuiet(
        (method, count) => (method === 'recorder.record' && count === call ? fault : undefined),
        { frontierInterval: 0 },
        { words: world.words, trail: world.trail },
      );
      await world.events(1, world.other);
      await world.run();
      expect([...new Set(world.lives('gateway'))].sort()).toEqual(['1 1-4 unannounced - then 2', '1 from 1', '2 from 5']);
    }
  });
});

describe('a request without a response', () => {
  const [first, second] = ['01990000-0000-7000-8000-000000000001', '01990000-0000-7000-8000-000000000002'];
  const record = (world: Testifying, ...drafts: EventDraft[]): Promise<unknown> => world.gateway.record(drafts);

  it('is told once it has been sealed for the limit, once, and no response is invented; a late one is told', async () => {
    const world = new Testifying();
    await record(world, requestDraft(first), responseDraft(first), requestDraft(second));
    await world.run();
    world.at += HOUR - 1;
    await world.run();
    expect(world.told('exchange.aborted')).toEqual([]);
    world.at += 1;
    await world.events(1, world.other);
    await world.run();
    await world.run();
    expect(world.told('exchange.aborted')).toMatchObject([
      { subject: second, outcome: 'failure', facts: { source: 'gateway', request: '3', limit_ms: String(HOUR) } },
    ]);
    expect(world.store.events.filter(({ event_type }) => event_type === 'response')).toHaveLength(1);
    expect(world.told('exchange.answered')).toEqual([]);
    await record(world, responseDraft(second));
    await world.run();
    await world.run();
    expect(world.told('exchange.answered')).toMatchObject([
      { subject: second, outcome: 'success', facts: { source: 'gateway', response: '4', outcome: 'completed' } },
    ]);
    world.at += 2 * HOUR;
    await world.events(1);
    await world.run();
    expect(world.told('exchange.aborted')).toHaveLength(1);
    const types = world.store.leaves.map(({ leaf }) => decodeLeaf(leaf).type);
    expect(types.filter((type) => type === 'aborted')).toHaveLength(2);
  });

  it('is looked for among the leaves that no frontier has accounted for', async () => {
    const world = new Testifying();
    await record(world, requestDraft(first), responseDraft(first));
    await world.run();
    world.at += HOUR;
    await world.events(1, world.other);
    await world.run();
    const accounted = Number(world.told('ledger.frontier').at(-1)?.facts['accounted']);
    expect(accounted).toBeGreaterThanOrEqual(2);
    const asked: number[] = [];
    const unanswered: typeof world.trail.unanswered = (from, to) => {
      asked.push(from);
      return world.trail.unanswered(from, to);
    };
    world.at += HOUR;
    await world.events(1, world.other);
    const { trail } = world;
    await world.run({
      trail: {
        unanswered,
        epochs: (ranges) => trail.epochs(ranges),
        accounted: () => trail.accounted(),
        sizeAt: (us) => trail.sizeAt(us),
        answers: (exchanges, size) => trail.answers(exchanges, size),
      },
    });
    expect(Math.min(...asked)).toBe(accounted);
  });
});
