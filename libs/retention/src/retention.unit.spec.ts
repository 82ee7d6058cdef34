import { describe, expect, it } from 'vitest';
import { EventCodec, type Control, type EventDraft, type EventRecorder } from '#events';
import type { PartitionPart } from '#ledger-store';
import { holdBookContract, sampleHold } from '../../catalogue/src/contract/hold-book.contract.js';
import { planNow, runRetention, type RetentionPorts } from './index.js';
import { MemoryHoldBook } from './testing/memory-hold-book.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 25);
const none = { from: null, to: null, session: null, principal: null, connection: null };

holdBookContract('memory', async () => new MemoryHoldBook());

/** Rows by month and type, and everything that happens to them in order. */
class World {
  readonly book = new MemoryHoldBook();
  readonly did: string[] = [];
  readonly parts: PartitionPart[] = [];
  /** Partitions that the holds with a name cover. */
  readonly covers = new Map<string, number[]>();
  policy: { content?: number; decisions?: number } = { content: 400 * DAY };
  /** Called before each step; throws to die there. */
  step: (name: string) => Promise<void> | void = () => undefined;

  fill(partition: number, type: string, rows: number, unsealed = 0): void {
    const first = Date.UTC(Math.floor(partition / 100), (partition % 100) - 1, 2) * 1000;
    this.parts.push({ partition, event_type: type, rows, first, last: first + 5, ingested: first + 5, unsealed });
  }

  readonly recorder: EventRecorder = {
    sourceId: 'gateway',
    record: async (drafts: readonly EventDraft[]) => {
      for (const { event } of drafts) {
        const { kind, subject } = event as Control;
        await this.step(kind);
        this.did.push(`${kind} ${subject}`);
      }
      return [];
    },
  } as unknown as EventRecorder;

  ports(): RetentionPorts {
    const { book } = this;
    const stepped = <K extends 'intend' | 'begin' | 'end'>(name: K) =>
      (async (...args: never[]) => {
        await this.step(name);
        return (book[name] as (...given: never[]) => Promise<unknown>)(...args);
      }) as unknown as MemoryHoldBook[K];
    return {
      book: Object.assign(Object.create(book) as MemoryHoldBook, {
        place: book.place.bind(book),
        list: book.list.bind(book),
        drops: book.drops.bind(book),
        intend: stepped('intend'),
        begin: stepped('begin'),
        end: stepped('end'),
      }),
      store: {
        frontiers: async () => ({ gateway: 100 }),
        parts: async () => this.parts,
        holdEvents: async () => [],
        covered: async (partition, { session }) => ((this.covers.get(session ?? '') ?? []).includes(partition) ? 1 : 0),
        drop: async (partition, types, frontiers) => {
          expect(frontiers).toEqual({ gateway: 100 });
          await this.step('drop');
          this.did.push(`drop ${partition}`);
          for (let at = this.parts.length - 1; at >= 0; at -= 1)
            if (this.parts[at]!.partition === partition && types.includes(this.parts[at]!.event_type)) this.parts.splice(at, 1);
          await this.step('drop applied');
        },
      },
      recorder: this.recorder,
      codec: new EventCodec(),
      policy: () => this.policy,
      nowMs: () => NOW,
    };
  }

  run = () => runRetention(this.ports());
  verdicts = async () =>
    (await planNow(this.ports())).map(({ partition, record_class, verdict }) => `${partition} ${record_class} ${verdict}`);
}

function filled(): World {
  const world = new World();
  for (const partition of [202508, 202509, 202510]) {
    world.fill(partition, 'request', 2);
    world.fill(partition, 'response', 2);
    world.fill(partition, 'decision', 2);
    world.fill(partition, 'control', 1);
  }
  return world;
}

describe('the plan', () => {
  it('lets whole months go when all of them is older than the class is kept', async () => {
    const world = filled();
    expect(await world.verdicts()).toEqual(['202508 content due', '202509 content due', '202510 content young']);
    world.policy = { content: 400 * DAY, decisions: 430 * DAY };
    expect((await world.verdicts()).slice(3)).toEqual(['202508 decisions due', '202509 decisions young', '202510 decisions young']);
    world.policy = {};
    expect(await world.verdicts()).toEqual([]);
    expect(await world.run()).toEqual({ dropped: [], abandoned: [] });
  });

  it('keeps a month of which something is not sealed, or came in lately', async () => {
    const world = filled();
    world.fill(202508, 'segment', 5, 1);
    world.parts.push({ ...world.parts[4]!, event_type: 'segment', ingested: (NOW - DAY) * 1000 });
    expect(await world.verdicts()).toEqual(['202508 content unsealed', '202509 content young', '202510 content young']);
  });

  it('keeps the whole month that a hold touches', async () => {
    const world = filled();
    await world.book.place(sampleHold('september', { scope: { ...none, from: Date.UTC(2025, 8, 30), to: Date.UTC(2025, 9, 2) } }));
    expect(await world.verdicts()).toEqual(['202508 content due', '202509 content held', '202510 content young']);
    world.covers.set('s-1', [202508]);
    await world.book.place(sampleHold('session', { scope: { ...none, session: 's-1' } }));
    expect((await planNow(world.ports())).map(({ holds }) => holds)).toEqual([['session'], ['september'], []]);
    await world.book.place(sampleHold('all'));
    expect((await planNow(world.ports()))[0]!.holds.toSorted()).toEqual(['all', 'session']);
    for (const id of ['all', 'session']) await world.book.release(id, sampleHold('x').placed_by, 'settled', NOW);
    expect((await world.verdicts())[0]).toBe('202508 content due');
  });
});

describe('a run', () => {
  it('records each drop before and after it', async () => {
    const world = filled();
    await world.run();
    expect(world.did).toEqual(
      ['202508', '202509'].flatMap((month) => [
        `retention.intended ${month}/content/1`,
        `drop ${month}`,
        `retention.dropped ${month}/content/1`,
      ]),
    );
    expect((await world.book.drops()).map(({ id, state, rows }) => [id, state, rows])).toEqual([
      ['202509/content/1', 'dropped', 4],
      ['202508/content/1', 'dropped', 4],
    ]);
    world.did.length = 0;
    await world.run();
    expect(world.did).toEqual([]);
    // What comes back (a rebuild, a late source) is due again, and goes under a number of its own.
    world.fill(202508, 'request', 1);
    await world.run();
    expect(world.did).toContain('retention.dropped 202508/content/2');
  });

  it.each(['intend', 'retention.intended', 'begin', 'drop', 'drop applied', 'retention.dropped', 'end'])(
    'that dies at "%s" is finished by the next, and never leaves a drop that is not recorded',
    async (point) => {
      const world = filled();
      world.step = (name) => {
        if (name === point) throw new Error('killed');
      };
      await expect(world.run()).rejects.toThrow('killed');
      if (world.did.includes('drop 202508')) expect(world.did.indexOf('retention.intended 202508/content/1')).toBe(0);
      world.step = () => undefined;
      await world.run();
      expect((await world.book.drops()).map(({ state }) => state)).toEqual(['dropped', 'dropped']);
      expect(world.parts.filter(({ event_type, partition }) => event_type === 'request' && partition < 202510)).toEqual([]);
      for (const month of ['202508', '202509'])
        expect(world.did.filter((what) => what === `retention.dropped ${month}/content/1`).length).toBeGreaterThan(0);
    },
  );

  it('is stopped by a hold that is placed any time before the drop begins, and recorded as abandoned', async () => {
    for (const point of ['retention.intended', 'begin']) {
      const world = filled();
      const late: unknown[] = [];
      world.step = async (name) => {
        if (name === point && late.length === 0) late.push((await world.book.place(sampleHold('h'))).late);
      };
      const { dropped, abandoned } = await world.run();
      expect([dropped.length, abandoned.length], point).toEqual([0, 1]);
      expect(late).toEqual([[]]);
      expect(world.did).toEqual(['retention.intended 202508/content/1', 'retention.abandoned 202508/content/1']);
      await world.book.release('h', sampleHold('x').placed_by, 'settled', NOW);
      world.step = () => undefined;
      await world.run();
      expect(world.did).toContain('retention.dropped 202508/content/2');
    }
  });

  it('goes on when the hold comes after the drop has begun, and the hold is told so', async () => {
    const world = filled();
    const late: string[] = [];
    world.step = async (name) => {
      if (name === 'drop' && late.length === 0) late.push(...(await world.book.place(sampleHold('h'))).late.map(({ id }) => id));
    };
    const { dropped, abandoned } = await world.run();
    expect(late).toEqual(['202508/content/1']);
    expect(dropped.map(({ id }) => id)).toEqual(['202508/content/1']);
    // The hold keeps everything that had not begun.
    expect(abandoned).toEqual([]);
    expect(await world.verdicts()).toContain('202509 content held');
  });

  it('asks for holds again when it takes up an intent that a crash left', async () => {
    const world = filled();
    world.step = (name) => {
      if (name === 'begin') throw new Error('killed');
    };
    await expect(world.run()).rejects.toThrow('killed');
    await world.book.place(sampleHold('h'));
    world.step = () => undefined;
    expect((await world.run()).dropped).toEqual([]);
    expect(world.did.filter((what) => what.startsWith('drop'))).toEqual([]);
  });
});
