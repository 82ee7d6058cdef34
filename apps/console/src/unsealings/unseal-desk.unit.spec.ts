import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryUnsealBook } from '#catalogue';
import { MemoryKeyBook, SealingKey } from '#content-keys';
import { EventCodec } from '#events';
import type { OriginalsEvent } from '#ledger-store';
import { ManualClock, MemoryRecorder, person } from '../testing/fakes.js';
import { sealedRequest } from '../testing/sealed-request.js';
import { decideUnsealing, openUnsealing, requestUnsealing, type UnsealDeskOptions } from './unseal-desk.js';

const KEY = Buffer.alloc(32, 5);
const VALUE = '219-09-9999';
const SEGMENT = Buffer.alloc(32, 9);
const ivy = person('ivy', ['investigators', 'privacy']);
const ben = person('ben', ['privacy']);
const codec = new EventCodec();

const sealedEvent = (exchange: string): OriginalsEvent =>
  sealedRequest(codec, exchange, SEGMENT, new SealingKey('k1', KEY, 'original'), VALUE);

describe('the desk of unsealings', () => {
  let recorder: MemoryRecorder;
  let clock: ManualClock;
  let book: MemoryUnsealBook;
  let keys: MemoryKeyBook;
  let desk: UnsealDeskOptions;
  let cited: string[];
  let ids = 0;

  beforeEach(async () => {
    recorder = new MemoryRecorder();
    clock = new ManualClock();
    book = new MemoryUnsealBook();
    keys = new MemoryKeyBook();
    cited = [SEGMENT.toString('hex')];
    await keys.issue([{ id: 'k1', wrapped: 'wrapped' }]);
    desk = {
      book,
      rules: () => ({ request: ['investigators'], approve: ['privacy'], expires: 1_000, window: 100 }),
      originals: {
        store: {
          sessionOf: async (exchange) => (exchange === 'x1' ? 's1' : null),
          carrying: async ({ session }) => (session === 's1' ? [sealedEvent('x1')] : []),
          segmentsOf: async () => cited,
        },
        keys,
        codec,
        opener: async () => ({ unwrap: async () => KEY }),
      },
      recorder,
      clock,
      ids: { uuid: () => `u${(ids += 1)}` },
      redact: (text) => text,
    };
  });

  const asked = async (): Promise<string> => (await requestUnsealing(desk, ivy, { exchange: 'x1', reason: 'complaint 17' })).id;
  const approved = async (): Promise<string> => {
    const id = await asked();
    await decideUnsealing(desk, ben, id, 'approved', 'agreed');
    return id;
  };

  it('gives the values to who requested them, once, and tells it first, without a value or a digest of one', async () => {
    const id = await approved();
    const { opened, unsealing } = await openUnsealing(desk, ivy, id);
    expect(unsealing.state).toBe('opened');
    expect(opened).toEqual([
      expect.objectContaining({ exchange_id: 'x1', direction: 'request', values: [{ placeholder: '[US_SSN:1]', value: VALUE }] }),
    ]);
    expect(recorder.controls().map(({ kind }) => kind)).toEqual(['unseal.requested', 'unseal.approved', 'unseal.opened']);
    expect(recorder.controls('unseal.opened')[0]).toMatchObject({ principal: 'ivy', reason: 'complaint 17', values: '1', exchange: 'x1' });
    expect(JSON.stringify(recorder.drafts)).not.toContain(VALUE);
    await expect(openUnsealing(desk, ivy, id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('hands out nothing when it cannot be told', async () => {
    const id = await approved();
    recorder.fail = 'before';
    await expect(openUnsealing(desk, ivy, id)).rejects.toMatchObject({ code: 'journal_full' });
    recorder.fail = 'never';
    await expect(openUnsealing(desk, ivy, id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('gives each of many who ask at once to one', async () => {
    const id = await approved();
    const answers = await Promise.allSettled([1, 2, 3].map(() => openUnsealing(desk, ivy, id)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(recorder.controls('unseal.opened')).toHaveLength(1);
  });

  it.each([
    ['a machine requests', () => requestUnsealing(desk, { ...ivy, kind: 'workload' }, { session: 's1', reason: 'x' })],
    ['an agent requests', () => requestUnsealing(desk, { ...ivy, actor: 'agent' }, { session: 's1', reason: 'x' })],
    ['another group requests', () => requestUnsealing(desk, ben, { session: 's1', reason: 'x' })],
    ['the requester approves', async () => decideUnsealing(desk, ivy, await asked(), 'approved', 'me too')],
    ['another group approves', async () => decideUnsealing(desk, person('jon', ['investigators']), await asked(), 'approved', 'yes')],
    ['another opens', async () => openUnsealing(desk, person('jon', ['investigators']), await approved())],
    [
      'the same subject of another issuer opens',
      async () => openUnsealing(desk, { ...ivy, issuer: 'https://other.example' }, await approved()),
    ],
    ['a member who is none any more opens', async () => openUnsealing(desk, { ...ivy, groups: [] }, await approved())],
  ])('refuses and tells it: %s', async (_what, act) => {
    await expect(act()).rejects.toMatchObject({ code: 'unseal_forbidden' });
    expect(recorder.controls('unseal.refused')).toHaveLength(1);
    expect(recorder.controls('unseal.opened')).toEqual([]);
  });

  it('ends: denied, expired, approved too long ago', async () => {
    const denied = await asked();
    await decideUnsealing(desk, ben, denied, 'denied', 'no');
    await expect(openUnsealing(desk, ivy, denied)).rejects.toMatchObject({ code: 'conflict' });
    const waiting = await asked();
    await expect(openUnsealing(desk, ivy, waiting)).rejects.toMatchObject({ code: 'conflict' });
    const late = await approved();
    clock.ms += 100;
    await expect(openUnsealing(desk, ivy, late)).rejects.toMatchObject({ code: 'conflict' });
    clock.ms += 900;
    await expect(decideUnsealing(desk, ben, waiting, 'approved', 'agreed')).rejects.toMatchObject({ code: 'conflict' });
    await expect(openUnsealing(desk, ivy, 'nothing')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('has nothing to open: nothing kept, erased, also after the approval; a key that is missing is not taken for erased', async () => {
    await expect(requestUnsealing(desk, ivy, { exchange: 'x2', reason: 'x' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(requestUnsealing(desk, ivy, { session: 's2', reason: 'x' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(requestUnsealing(desk, ivy, { session: 's1', reason: ' ' })).rejects.toMatchObject({ code: 'approval_reason_missing' });
    const id = await approved();
    await keys.destroy(['k1'], 'e', 1);
    await expect(openUnsealing(desk, ivy, id)).rejects.toMatchObject({ code: 'conflict', message: 'its originals were erased' });
    await expect(asked()).rejects.toMatchObject({ code: 'conflict' });
    keys.keys.clear();
    await expect(asked()).rejects.toMatchObject({ code: 'content_key_failed' });
  });

  it('of an exchange only what was masked in what it cites', async () => {
    const id = await approved();
    cited = [];
    expect((await openUnsealing(desk, ivy, id)).opened).toEqual([]);
  });
});
