import { describe, expect, it } from 'vitest';
import { ContentOpener, LocalWrapper, MemoryKeyBook, SealingKey } from '#content-keys';
import { AffiantError } from '#errors';
import type { EventDraft } from '#events';
import { answerDraft } from '../testing/answer-draft.js';
import type { Fault } from '../testing/faults.js';
import { World } from '../testing/world.js';

const RAW = Buffer.alloc(32, 3);
const wrapper = new LocalWrapper(Buffer.alloc(32, 8));
const FAULTS: readonly Fault[] = ['lost', 'applied', 'killed', 'killed-applied'];

/** A world whose gateway has sealed five answers, the last under another key. */
class Sealed {
  readonly world = new World();
  readonly book = new MemoryKeyBook();
  readonly opener = new ContentOpener(this.book, wrapper);

  static async filled(): Promise<Sealed> {
    const sealed = new Sealed();
    for (const id of ['k1', 'k2']) await sealed.book.issue([{ id, wrapped: await wrapper.wrap(id, RAW) }]);
    const key = new SealingKey('k1', RAW);
    await sealed.world.gateway.record([0, 1, 2, 3].map((n) => answer(`answer ${n}`, key)));
    await sealed.world.events(2);
    await sealed.world.gateway.record([answer('another key', new SealingKey('k2', RAW))]);
    return sealed;
  }

  run(plan?: Parameters<World['runUntilQuiet']>[0], opener: Pick<ContentOpener, 'open'> = this.opener): Promise<{ halted: string | null }> {
    return this.world.runUntilQuiet(plan, { maxBatchRecords: 3, maxRoundLeaves: 6 }, { contentKeys: opener });
  }

  /** Opened texts by seq, each once. */
  texts(): string[] {
    return this.world.store.content.toSorted((a, b) => a.seq - b.seq).flatMap(({ segment_content }) => segment_content.map(String));
  }
}

function answer(text: string, key: SealingKey): EventDraft {
  const draft = answerDraft();
  if (draft.type !== 'response') throw new Error('not an answer');
  const [segment] = draft.event.body.segments;
  const body = { ...draft.event.body, segments: [{ ...segment!, inline: key.seal(Buffer.from(text)) }], content_key: key.id };
  return { ...draft, event: { ...draft.event, body } };
}

const ALL = ['answer 0', 'answer 1', 'answer 2', 'answer 3', 'another key'];

describe('sealed content', () => {
  it('is opened into rows of its own, and stays sealed in the events', async () => {
    const sealed = await Sealed.filled();
    expect(await sealed.run()).toEqual({ halted: null });
    expect(await sealed.world.faults()).toEqual([]);
    expect(sealed.texts()).toEqual(ALL);
    for (const row of sealed.world.store.events.filter(({ content_key }) => content_key !== ''))
      expect(row.segment_content.every((content) => content.length === 0)).toBe(true);
    expect(sealed.world.store.content[0]).toMatchObject({ source_id: 'gateway', seq: 1, session_id: 'session-1', content_key: 'k1' });
  });

  it('of a destroyed key stays away, and its events are there', async () => {
    const sealed = await Sealed.filled();
    await sealed.book.destroy(['k1'], 'e', 1);
    expect(await sealed.run()).toEqual({ halted: null });
    expect(await sealed.world.faults()).toEqual([]);
    expect(sealed.texts()).toEqual(['another key']);
    expect(sealed.world.store.events.filter(({ content_key }) => content_key === 'k1')).toHaveLength(4);
  });

  it('waits for a key that cannot be had now, and never takes it for destroyed', async () => {
    for (const error of [new AffiantError('catalogue_failed', 'away'), null]) {
      const sealed = await Sealed.filled();
      const known = new Map(sealed.book.keys);
      if (error === null) sealed.book.keys.clear();
      let asked = 0;
      const opener = {
        open: async (ids: readonly string[]) => {
          asked += 1;
          // Nothing sealed is in the ledger before its key was there.
          expect(sealed.world.store.events.filter(({ content_key }) => content_key !== '')).toEqual([]);
          if (asked < 4 && error !== null) throw error;
          if (asked === 4) for (const [id, key] of known) sealed.book.keys.set(id, key);
          return new ContentOpener(sealed.book, wrapper).open(ids);
        },
      };
      const once = { open: (ids: readonly string[]) => (asked < 4 ? opener.open(ids) : sealed.opener.open(ids)) };
      expect(await sealed.run(undefined, once)).toEqual({ halted: null });
      expect(asked).toBeGreaterThanOrEqual(4);
      expect(sealed.texts()).toEqual(ALL);
    }
  });

  it('that does not open with its key is said to be unreadable, and holds up nothing', async () => {
    const sealed = await Sealed.filled();
    sealed.book.keys.set('k2', { state: 'live', wrapped: await wrapper.wrap('k2', Buffer.alloc(32, 4)) });
    expect(await sealed.run()).toEqual({ halted: null });
    expect(sealed.texts()).toEqual([...ALL.slice(0, 4), '[unreadable]']);
  });

  it.each(FAULTS.flatMap((fault) => [1, 2].map((count) => [fault, count] as const)))(
    'append %s at call %i: once in the end, and before its event',
    async (fault, count) => {
      const sealed = await Sealed.filled();
      await sealed.run((called, calls) => (called === 'store.appendContent' && calls === count ? fault : undefined));
      expect(await sealed.run()).toEqual({ halted: null });
      expect(await sealed.world.faults()).toEqual([]);
      expect(sealed.texts()).toEqual(ALL);
    },
  );

  it('whose key is destroyed while the ingest is down comes in without text', async () => {
    const sealed = await Sealed.filled();
    await sealed.run((called, calls) => (called === 'store.appendContent' && calls === 1 ? 'killed' : undefined));
    await sealed.book.destroy(['k1'], 'e', 1);
    expect(await sealed.run()).toEqual({ halted: null });
    expect(await sealed.world.faults()).toEqual([]);
    expect(sealed.texts()).toEqual(['another key']);
  });
});
