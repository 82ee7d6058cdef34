import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ContentOpener, LocalWrapper, MemoryKeyBook, SealingKey } from '#content-keys';
import { EventCodec, type EventDraft } from '#events';
import { openEmbedded, type OpenEmbedded } from '../../../../../libs/ledger-store/src/testing/open-embedded.js';
import { formatIntent } from '../../ingest/intent.js';
import { answerDraft } from '../../testing/answer-draft.js';
import { World } from '../../testing/world.js';
import { checkContent, type ContentCheckOptions } from './check-content.js';
import { contentReport } from './content-report.js';
import type { ContentCheck, ContentCheckPorts } from './port.js';

const RAW = Buffer.alloc(32, 3);
const wrapper = new LocalWrapper(Buffer.alloc(32, 8));
const IDLE = { erasing: async () => false, dropping: async () => false };

/** An answer in one segment for each text. */
function answer(key: SealingKey | null, ...texts: string[]): EventDraft {
  const draft = answerDraft();
  if (draft.type !== 'response') throw new Error('not an answer');
  const [one] = draft.event.body.segments;
  const segments = texts.map((text, at) => ({
    ...one!,
    sha256: Buffer.alloc(32, at + 1),
    inline: key === null ? Buffer.from(text) : key.seal(Buffer.from(text)),
  }));
  return { ...draft, event: { ...draft.event, body: { ...draft.event.body, segments, content_key: key?.id ?? null } } };
}

describe('a check of the opened text, on the real engine', () => {
  let under: OpenEmbedded;
  let book: MemoryKeyBook;
  let content: readonly World['store']['content'][number][];
  /** What the ingest has said that it is about to insert, by partition. */
  const intents = new Map<string, { readonly offset: number; readonly metadata: string | null }>();

  const keys = async (): Promise<MemoryKeyBook> => {
    const fresh = new MemoryKeyBook();
    for (const id of ['k1', 'k2', 'k3']) await fresh.issue([{ id, wrapped: await wrapper.wrap(id, RAW) }]);
    return fresh;
  };
  const check = (change: Partial<ContentCheckPorts> = {}, options?: ContentCheckOptions): Promise<ContentCheck> =>
    checkContent({ store: under.store, book, wrapper, work: IDLE, eventLog: { committed: async () => intents }, codec: new EventCodec(), ...change }, options); // prettier-ignore
  const codes = ({ findings }: ContentCheck): string[] => findings.map(({ code, where }) => `${code} ${where}`);

  beforeAll(async () => {
    under = await openEmbedded();
    const world = new World();
    const [k1, k2] = [new SealingKey('k1', RAW), new SealingKey('k2', RAW)];
    await world.gateway.record([answer(k1, 'one', 'two'), answer(null, 'in the open'), answer(k1, 'three')]);
    await world.events(3);
    // Sealed with another key than its id stands for: it is taken in as unreadable.
    await world.gateway.record([answer(k2, 'four'), answer(new SealingKey('k3', Buffer.alloc(32, 9)), 'five')]);
    await world.runUntilQuiet(undefined, undefined, { contentKeys: new ContentOpener(await keys(), wrapper) });
    expect(await world.faults()).toEqual([]);
    content = world.store.content;
    await under.store.appendContent('all', content);
    await under.store.appendEvents('all', world.store.events);
  }, 60_000);
  afterAll(() => under.close());
  beforeEach(async () => {
    book = await keys();
    intents.clear();
  });

  const CLEAN = {
    sealed_events: 4,
    segments: 5,
    erased_events: 0,
    unreadable: 1,
    under_way: 0,
    rows: 4,
    finding_count: 0,
    unchecked_count: 0,
  };

  it('finds nothing in what nobody touched, in one piece and in many', async () => {
    expect(await check()).toMatchObject(CLEAN);
    const told: number[] = [];
    expect(await check({}, { window: 2, batch: 1, batchBytes: 1, progress: (events) => void told.push(events) })).toMatchObject(CLEAN);
    expect(told.length).toBeGreaterThan(8);
    expect(contentReport(await check(), {})).toMatchObject({
      ok: true,
      proves: expect.arrayContaining([expect.stringContaining('No row')]),
    });
  });

  it('ends when whoever is told of its progress ends it', async () => {
    const stop = async (): Promise<void> => Promise.reject(new Error('stop'));
    await expect(check({}, { progress: stop })).rejects.toThrow('stop');
  });

  it('looks at a range alone, and says what that leaves open', async () => {
    const none = await check({}, { from: 0, to: 1 });
    expect(none).toMatchObject({ sealed_events: 0, rows: 0, finding_count: 0 });
    expect(contentReport(none, { to: 1 }).does_not_prove.join()).toContain('outside the range');
  });

  it('says of text whose key cannot be had that it was not compared', async () => {
    book.keys.delete('k2');
    book.keys.set('k1', { state: 'live', wrapped: await wrapper.wrap('k9', RAW) });
    const checked = await check();
    expect(checked).toMatchObject({ finding_count: 0, unchecked_count: 3 });
    expect(checked.unchecked.map(({ message }) => message)).toEqual([
      expect.stringContaining('does not open'),
      expect.stringContaining('does not open'),
      expect.stringContaining('does not know its key (key k2, session session-1)'),
    ]);
    expect(contentReport(checked, {})).toMatchObject({ ok: false, proves: [] });
  });

  it('names text that no longer opens, where it opened before', async () => {
    book.keys.set('k2', { state: 'live', wrapped: await wrapper.wrap('k2', Buffer.alloc(32, 5)) });
    expect(codes(await check())).toEqual(['column_altered ledger.content gateway seq 7 column segment_content segment 0']);
  });

  it('names text of a destroyed key, and not while its erasure is under way', async () => {
    await book.destroy(['k1'], 'erasure-1', 1);
    const erased = await check();
    expect(erased).toMatchObject({ finding_count: 2, erased_events: 2 });
    expect(erased.findings[0]).toMatchObject({
      code: 'content_returned',
      where: 'ledger.content gateway seq 1',
      session_id: 'session-1',
      message: expect.stringContaining('erasure-1'),
    });
    const asked: string[] = [];
    const erasing = async (id: string): Promise<boolean> => asked.push(id) > 0;
    expect(await check({ work: { ...IDLE, erasing } })).toMatchObject({ finding_count: 0, under_way: 2 });
    expect(asked).toEqual(['erasure-1', 'erasure-1']);
  });

  it('names a row before its event, unless the ingest has said that it comes, or a drop is under way', async () => {
    const ahead = { ...content[0]!, seq: 50 };
    await under.store.appendContent('ahead', [ahead, { ...ahead, source_id: 'nobody', seq: 1 }]);
    expect(codes(await check()).toSorted()).toEqual([
      'row_unexpected ledger.content gateway seq 50',
      'row_unexpected ledger.content nobody seq 1',
    ]);
    const intent = (from: number): { offset: number; metadata: string } => ({
      offset: from,
      metadata: formatIntent({ to: 60, token: 't', dropped: [], at: 1 }, from),
    });
    intents.set('gateway', intent(51));
    expect(await check()).toMatchObject({ finding_count: 2, under_way: 0 });
    intents.set('gateway', intent(9));
    expect(await check()).toMatchObject({ finding_count: 1, under_way: 1 });
    // Offsets of a broker's log are no seqs: any open intent there may be it.
    intents.set('affiant.request.v1/0', intent(1_000));
    expect(await check()).toMatchObject({ finding_count: 0, under_way: 2 });
    intents.clear();
    expect(await check({ work: { ...IDLE, dropping: async () => true } })).toMatchObject({ finding_count: 0, under_way: 2 });
  });
});
