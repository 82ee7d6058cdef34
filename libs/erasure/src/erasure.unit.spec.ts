import { describe, expect, it } from 'vitest';
import { MemoryKeyBook } from '#content-keys';
import { EventCodec, type Control, type EventDraft, type EventRecorder } from '#events';
import { erasureBookContract, sampleErasure } from '../../catalogue/src/contract/erasure-book.contract.js';
import { sampleHold } from '../../catalogue/src/contract/hold-book.contract.js';
import { destroyAgain, runErasures, sweep, type ErasurePorts } from './index.js';
import { MemoryErasureBook } from './testing/memory-erasure-book.js';

erasureBookContract('memory', async () => {
  const book = new MemoryErasureBook();
  return { book, holds: book.holds };
});

const none = { from: null, to: null, session: null, principal: null, connection: null };
const approver = { ...sampleErasure('x').requested_by, subject: 'bob' };
const KEYS = ['k1', 'k2'];

/** A ledger with one session, sealed under two keys, and everything that happens to it in order. */
class World {
  readonly book = new MemoryErasureBook();
  readonly keys = new MemoryKeyBook();
  readonly did: string[] = [];
  readonly told: Control[] = [];
  /** Opened content by key. */
  content = new Map([...KEYS, 'other'].map((key) => [key, 2]));
  erasureEvents: Buffer[] = [];
  /** Called before each step, and after those that apply something; throws to die there. */
  step: (name: string) => Promise<void> | void = () => undefined;

  async agreed(id = 'e'): Promise<void> {
    if (this.keys.keys.size === 0) await this.keys.issue([...KEYS, 'other'].map((key) => ({ id: key, wrapped: 'QQ==' })));
    await this.book.request(sampleErasure(id));
    await this.book.approve(id, approver, 'agreed', 2);
  }

  ports(): ErasurePorts {
    const { book, keys } = this;
    const around = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      await this.step(name);
      const result = await work();
      await this.step(`${name} applied`);
      return result;
    };
    const recorder = {
      record: async (drafts: readonly EventDraft[]) => {
        for (const { event } of drafts) {
          const control = event as Control;
          await around(control.kind, async () => {
            this.did.push(control.kind);
            this.told.push(control);
          });
        }
        return [];
      },
    } as unknown as EventRecorder;
    return {
      book: {
        list: (...args) => book.list(...args),
        get: (id) => book.get(id),
        begin: (...args) => around('begin', () => book.begin(...args)),
        end: (...args) => around('end', () => book.end(...args)),
      },
      holds: book.holds,
      keys: {
        destroy: (ids, ...rest) => around('destroy', async () => (this.did.push(`destroy ${ids.join(' ')}`), keys.destroy(ids, ...rest))),
        destroyedSince: (...args) => keys.destroyedSince(...args),
      },
      store: {
        contentOf: async () => ({ keys: KEYS, events: 5, unsealed: 1 }),
        coveredOf: async (session, scope) => (scope.session === null || scope.session === session ? 1 : 0),
        holdEvents: async () => [],
        erasureEvents: async () => this.erasureEvents,
        deleteContent: (ids) =>
          around('delete', async () => {
            let rows = 0;
            for (const id of ids) {
              rows += this.content.get(id) ?? 0;
              this.content.delete(id);
            }
            return rows;
          }),
      },
      recorder,
      codec: new EventCodec(),
      nowMs: () => 3,
    };
  }

  run(): ReturnType<typeof runErasures> {
    return runErasures(this.ports());
  }

  live(): string[] {
    return [...this.keys.keys].filter(([, { state }]) => state === 'live').map(([id]) => id);
  }
}

const COUNTS = { keys: 2, events: 5, unsealed: 1 };

describe('an erasure', () => {
  it('tells first, destroys what seals the session and nothing else, deletes what was opened, and tells what it did', async () => {
    const world = new World();
    await world.agreed();
    expect(await world.run()).toMatchObject({ erased: [{ id: 'e' }], abandoned: [] });
    expect(world.did).toEqual(['erasure.intended', 'destroy k1 k2', 'erasure.done']);
    expect(world.live()).toEqual(['other']);
    expect([...world.content.keys()]).toEqual(['other']);
    expect(await world.book.get('e')).toMatchObject({ state: 'erased', key_ids: KEYS, counts: COUNTS, ended_at: 3 });
    const done = world.told.at(-1)!;
    expect(Object.fromEntries(done.attributes.map(({ name, value }) => [name, value]))).toEqual({
      session: 's1',
      reason: 'asked for by the customer',
      basis: 'GDPR 17(1)(b)',
      requested_by: 'https://idp.test alice',
      approved_by: 'https://idp.test bob',
      approval_reason: 'agreed',
      keys: '2',
      events: '5',
      unsealed: '1',
    });
    expect(JSON.parse(done.detail ?? '')).toEqual({ keys: KEYS });
    expect(await world.run()).toEqual({ erased: [], abandoned: [] });
  });

  it('does nothing that only one person asked for', async () => {
    const world = new World();
    await world.book.request(sampleErasure('e'));
    expect(await world.run()).toEqual({ erased: [], abandoned: [] });
    expect(world.did).toEqual([]);
  });

  const STEPS = ['erasure.intended', 'begin', 'destroy', 'delete', 'erasure.done', 'end'];
  it.each(STEPS.flatMap((step) => [step, `${step} applied`]))('that dies at "%s" comes to the same end', async (point) => {
    const world = new World();
    await world.agreed();
    world.step = (name) => {
      if (name === point) throw new Error('killed');
    };
    await expect(world.run()).rejects.toThrow('killed');
    if (world.live().length < 3) expect(world.did[0]).toBe('erasure.intended');
    world.step = () => undefined;
    await world.run();
    expect(world.live()).toEqual(['other']);
    expect([...world.content.keys()]).toEqual(['other']);
    expect(await world.book.get('e')).toMatchObject({ state: 'erased', key_ids: KEYS, counts: COUNTS });
    const done = world.told.filter(({ kind }) => kind === 'erasure.done');
    expect(done.length).toBeGreaterThan(0);
    // Told twice at most, and then the same.
    expect(new Set(done.map((event) => JSON.stringify(event))).size).toBe(1);
    expect(await world.run()).toEqual({ erased: [], abandoned: [] });
  });

  it('is stopped by a hold that is placed any time before it begins, and recorded as abandoned', async () => {
    for (const point of ['erasure.intended', 'begin']) {
      const world = new World();
      await world.agreed();
      const erasing: unknown[] = [];
      world.step = async (name) => {
        if (name === point && erasing.length === 0) erasing.push((await world.book.holds.place(sampleHold('h'))).erasing);
      };
      expect(await world.run()).toMatchObject({ erased: [], abandoned: [{ id: 'e' }] });
      expect(erasing, point).toEqual([[]]);
      expect(world.did).toEqual(['erasure.intended', 'erasure.abandoned']);
      expect(world.live()).toHaveLength(3);
      expect((await world.book.get('e'))?.state).toBe('abandoned');
    }
  });

  it('goes on when the hold comes after it has begun, and the hold is told so; a hold on another session does not matter', async () => {
    const world = new World();
    await world.agreed();
    await world.book.holds.place(sampleHold('elsewhere', { scope: { ...none, session: 's2' } }));
    const erasing: string[] = [];
    world.step = async (name) => {
      if (name === 'destroy') erasing.push(...(await world.book.holds.place(sampleHold('h'))).erasing);
    };
    expect(await world.run()).toMatchObject({ erased: [{ id: 'e' }] });
    expect(erasing).toEqual(['e']);
  });

  it('asks for holds again when it takes up an intent that a crash left', async () => {
    const world = new World();
    await world.agreed();
    world.step = (name) => {
      if (name === 'begin') throw new Error('killed');
    };
    await expect(world.run()).rejects.toThrow('killed');
    await world.book.holds.place(sampleHold('h'));
    world.step = () => undefined;
    expect(await world.run()).toMatchObject({ erased: [], abandoned: [{ id: 'e' }] });
    expect(world.live()).toHaveLength(3);
  });
});

describe('what comes back', () => {
  it('is deleted again: the ingest had the key in its hands when it went', async () => {
    const world = new World();
    await world.agreed();
    await world.run();
    expect(await sweep(world.ports(), 0)).toEqual({ rows: 0, since: 3 });
    world.content.set('k1', 4);
    expect(await sweep(world.ports(), 3)).toEqual({ rows: 4, since: 3 });
    expect([...world.content.keys()]).toEqual(['other']);
  });

  it('is destroyed again: the catalogue was put back from an old copy', async () => {
    const world = new World();
    await world.agreed();
    await world.run();
    const codec = new EventCodec();
    const { kind, outcome, subject, attributes, detail } = world.told.at(-1)!;
    const envelope = {
      event_id: '01990000-0000-7000-8000-000000000000',
      source_id: 'gateway',
      boot_epoch: 1,
      seq: 1,
      prev_hash: Buffer.alloc(32),
      occurred_at: 1,
      clock_offset_us: 0,
      build: '0',
      session_id: null,
      exchange_id: null,
      principal: null,
      connection: null,
    };
    world.erasureEvents = [codec.encode('control', { envelope, kind, outcome, subject, attributes, detail })];
    world.keys.keys.set('k1', { state: 'live', wrapped: 'QQ==' });
    expect(await destroyAgain(world.ports())).toBe(1);
    expect(world.keys.keys.get('k1')).toMatchObject({ state: 'destroyed', erasure: 'e' });
    expect(await destroyAgain(world.ports())).toBe(0);
  });
});
