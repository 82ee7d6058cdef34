import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_TOPICS, EventCodec, payloadHash, SystemClock, SystemIds, TOPICS } from '#events';
import { controlDraft, requestDraft, responseDraft, segmentDraft } from './event-drafts.fixture.js';
import { JournalRecorder } from './journal-recorder.js';
import { findOpenExchanges } from './open-exchanges.js';
import { JournalReader } from './reader.js';
import { recoverSource, type RecoveredSource, type RecoverOptions } from './recover-source.js';

const key = Buffer.alloc(32, 9);
const codec = new EventCodec();
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'recorder-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const recover = (change: Partial<RecoverOptions> = {}): Promise<RecoveredSource> =>
  recoverSource({ directory, sourceId: 'gateway', key, segmentBytes: 1 << 20, highWaterBytes: 64 << 20, codec, ...change });

const recorderOf = ({ journal, openExchanges }: RecoveredSource): JournalRecorder =>
  new JournalRecorder({ journal, codec, clock: new SystemClock(), ids: new SystemIds(), openExchanges, build: '1.2.3' });

const readEvents = async () => {
  const reader = new JournalReader({ directory, sourceId: 'gateway', key });
  const records = await reader.read(1, { maxRecords: 10_000, maxBytes: 1 << 30 });
  await reader.close();
  return records.map(({ seq, topic, payload }) => ({ seq, topic: ALL_TOPICS[topic], payload, ...codec.decode(payload) }));
};

/** Every event follows the one before it: seq, hash chain. */
const expectChain = (events: Awaited<ReturnType<typeof readEvents>>): void => {
  let previous: Buffer = Buffer.alloc(32);
  for (const [index, { seq, event, payload }] of events.entries()) {
    expect(seq).toBe(index + 1);
    expect(event.envelope.seq).toBe(seq);
    expect(event.envelope.prev_hash.equals(previous)).toBe(true);
    previous = payloadHash(payload);
  }
};

describe('journal recorder', () => {
  it('assigns the envelope, chains over restarts, and says what it recorded', async () => {
    const first = await recover();
    const receipts = await recorderOf(first).record([requestDraft('x1'), controlDraft('gateway.started', 'a\ud800')]);
    await first.journal.close();
    const second = await recover();
    await recorderOf(second).record([responseDraft('x1')]);
    await second.journal.close();

    const events = await readEvents();
    expectChain(events);
    expect(receipts.map(({ seq, payload_hash }) => [seq, payload_hash])).toEqual(
      events.slice(0, 2).map(({ seq, payload }) => [seq, payloadHash(payload)]),
    );
    expect(events.map(({ topic, event }) => [topic, event.envelope.boot_epoch])).toEqual([
      [TOPICS.request, 1],
      [TOPICS.control, 1],
      [TOPICS.response, 2],
    ]);
    expect(events[0]?.event.envelope).toMatchObject({
      event_id: receipts[0]?.event_id,
      source_id: 'gateway',
      build: '1.2.3',
      exchange_id: 'x1',
      principal: { subject: 'alice' },
    });
    expect(events[1]?.event).toMatchObject({ detail: 'a\ufffd', envelope: { principal: null } });
  });

  it('keeps the order of arrival also when large calls are worked on in slices', async () => {
    const source = await recover();
    const recorder = recorderOf(source);
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const large = Array.from({ length: 64 }, () => segmentDraft('big', 'request', 256 * 1024));
    const calls = [
      recorder.record([controlDraft('before')]),
      recorder.record([...large, requestDraft('big')]),
      recorder.record([controlDraft('behind')]),
      recorder.record([...large.slice(0, 3), requestDraft('big2')]),
      recorder.record([controlDraft('last')]),
    ];
    const receipts = await Promise.all(calls);
    counting = false;
    expect(receipts.map((of) => [of[0]?.seq, of.at(-1)?.seq])).toEqual([
      [1, 1],
      [2, 66],
      [67, 67],
      [68, 71],
      [72, 72],
    ]);
    await source.journal.close();
    expectChain(await readEvents());
    // 17 MB went through; encoded, hashed and encrypted at once it would be three turns of the event loop of tens of milliseconds.
    expect(turns).toBeGreaterThan(64);
  });

  it('assigns nothing when the journal is full', async () => {
    const source = await recover({ segmentBytes: 20_000, highWaterBytes: 80_000 });
    const recorder = recorderOf(source);
    await recorder.record([requestDraft('open', 30_000)]);
    await expect(recorder.record([requestDraft('too much', 60_000), controlDraft('x')])).rejects.toMatchObject({ code: 'journal_full' });
    await expect(recorder.record([requestDraft('far too much', 600_000)])).rejects.toMatchObject({ code: 'journal_full' });
    const [receipt] = await recorder.record([controlDraft('still fits')]);
    expect(receipt?.seq).toBe(2);
    expect(recorder.keepFrom).toBe(1);
    await source.journal.close();
    expectChain(await readEvents());
  });

  it('assigns nothing when an event does not fit its schema', async () => {
    const source = await recover();
    const recorder = recorderOf(source);
    const bad = { ...controlDraft('x'), event: { kind: 7 } } as unknown as ReturnType<typeof controlDraft>;
    await expect(recorder.record([controlDraft('good'), bad])).rejects.toMatchObject({ code: 'event_invalid' });
    expect((await recorder.record([controlDraft('next')]))[0]?.seq).toBe(1);
    await source.journal.close();
  });

  it('finds open exchanges after a restart, though their requests were trimmed away meanwhile', async () => {
    const segmentBytes = 4_000;
    const first = await recover({ segmentBytes });
    const before = recorderOf(first);
    await before.record([requestDraft('a'), responseDraft('a')]);
    await before.record([segmentDraft('b', 'request', 100), requestDraft('b')]);
    for (let index = 0; index < 20; index += 1) await before.record([requestDraft(`c${index}`, 1_000), responseDraft(`c${index}`, 1_000)]);
    await before.record([requestDraft('d'), segmentDraft('d', 'response', 100)]);
    expect(before.keepFrom).toBe(4);
    const { pendingBytes } = first.journal;
    await before.acknowledge(first.journal.nextSeq - 1);
    expect(first.journal.pendingBytes).toBeLessThan(pendingBytes / 4);
    expect(await new JournalReader({ directory, sourceId: 'gateway', key }).firstSeq()).toBeGreaterThan(40);
    // What is kept of them is as secret as the journal.
    expect((await readFile(join(directory, 'aside'))).includes('alice')).toBe(false);
    await first.journal.close();

    const second = await recover({ segmentBytes });
    expect(second.openExchanges.map(({ exchange_id, seq }) => [exchange_id, seq])).toEqual([
      ['b', 4],
      ['d', 45],
    ]);
    expect(second.openExchanges[0]).toMatchObject({
      boot_epoch: 1,
      context: { session_id: 'session', connection: 'claude', principal: { subject: 'alice' } },
      request: { model: 'claude', protocol: 'anthropic' },
    });
    const recorder = recorderOf(second);
    expect(recorder.keepFrom).toBe(4);
    await recorder.record(second.openExchanges.map(({ exchange_id }) => responseDraft(exchange_id)));
    expect(recorder.keepFrom).toBe(second.journal.nextSeq);
    await second.journal.close();
    // Killed before the next trim: the exchanges are still carried, and their responses are in the journal.
    const third = await recover({ segmentBytes });
    expect(third.openExchanges).toEqual([]);
    const last = recorderOf(third);
    for (let index = 0; index < 10; index += 1) await last.record([requestDraft(`e${index}`, 1_000), responseDraft(`e${index}`, 1_000)]);
    await last.acknowledge(third.journal.nextSeq - 1);
    // Now their responses are trimmed too, and nothing may bring them back.
    const reader = new JournalReader({ directory, sourceId: 'gateway', key });
    expect(await reader.firstSeq()).toBeGreaterThan(48);
    expect(await findOpenExchanges(reader, codec)).toEqual([]);
    await third.journal.close();
    const fourth = await recover();
    expect(fourth.openExchanges).toEqual([]);
    await fourth.journal.close();
    await writeFile(join(directory, 'aside'), Buffer.alloc(100));
    await expect(recover()).rejects.toMatchObject({ code: 'journal_corrupt' });
  });

  it('an exchange stays open until its response is durable', async () => {
    const source = await recover();
    const recorder = recorderOf(source);
    await recorder.record([requestDraft('x')]);
    const response = recorder.record([responseDraft('x')]);
    expect(recorder.keepFrom).toBe(1);
    await response;
    expect(recorder.keepFrom).toBe(3);
    await source.journal.close();
  });
});
