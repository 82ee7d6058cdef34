import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_TOPICS, TOPICS } from '#events';
import { createWatermarks, openJournal, type FileJournal, type Watermarks } from '#journal';
import { eventLogContract, type EventLogHarness } from './contract/event-log.contract.js';
import { EmbeddedEventLog } from './embedded-event-log.js';

const key = randomBytes(32);

async function openHarness(
  useWatermarks: boolean,
): Promise<EventLogHarness & { directory: string; journal(source: string): Promise<FileJournal> }> {
  const directory = await mkdtemp(join(tmpdir(), 'event-log-'));
  const watermarks: Watermarks = createWatermarks([]);
  const journals = new Map<string, FileJournal>();
  const openLog = (): EmbeddedEventLog =>
    new EmbeddedEventLog({
      journalDirectory: join(directory, 'journal'),
      groupsDirectory: join(directory, 'groups'),
      key,
      ...(useWatermarks ? { watermarks } : {}),
    });
  let log = openLog();
  const journal = async (sourceId: string): Promise<FileJournal> => {
    const known = journals.get(sourceId);
    if (known !== undefined) return known;
    const { journal: opened } = await openJournal({
      directory: join(directory, 'journal', sourceId),
      sourceId,
      key,
      segmentBytes: 8_192,
      highWaterBytes: 64 << 20,
      watermarks,
    });
    journals.set(sourceId, opened);
    return opened;
  };
  return {
    directory,
    journal,
    get log() {
      return log;
    },
    partition: (name) => name,
    async produce(name, records) {
      const to = await journal(name);
      for (const { topic, value } of records) await to.append([{ topic: ALL_TOPICS.indexOf(topic), payload: value }]);
    },
    async restart() {
      await log.close();
      log = openLog();
      return log;
    },
    async close() {
      await log.close();
      await Promise.all([...journals.values()].map((opened) => opened.close()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

eventLogContract('journals of this process', () => openHarness(true));
eventLogContract('journals of another process', () => openHarness(false));

describe('embedded event log', () => {
  let harness: Awaited<ReturnType<typeof openHarness>>;
  beforeEach(async () => {
    harness = await openHarness(true);
  });
  afterEach(() => harness.close());

  const control = (text: string) => ({ topic: TOPICS.control, value: Buffer.from(text) });
  const options = { group: 'g', topics: ALL_TOPICS, maxBatchRecords: 10, maxBatchBytes: 1 << 20 };

  it('interleaves the topics of a source in one partition', async () => {
    const topics = [TOPICS.request, TOPICS.response, TOPICS.control, TOPICS.request];
    await harness.produce(
      'a',
      topics.map((topic) => ({ topic, value: Buffer.from(topic) })),
    );
    const records = await harness.log.read('a', 1, 10);
    expect(records.map(({ topic, offset, value }) => [topic, offset, value.toString()])).toEqual(
      topics.map((topic, index) => [topic, index + 1, topic]),
    );
  });

  it('reads no other partitions than a subscription names, those that appear later too', async () => {
    await harness.produce('a', [control('not asked for')]);
    const seen: string[] = [];
    let came = (): void => {};
    const both = new Promise<void>((resolve) => (came = resolve));
    const subscription = await harness.log.subscribe({ ...options, partitions: ['b', 'd'] }, async (batch) => {
      seen.push(batch.partition);
      await harness.log.commit('g', batch.partition, batch.lastOffset + 1);
      if (batch.partition === 'd') came();
    });
    for (const partition of ['b', 'c', 'd']) await harness.produce(partition, [control(partition)]);
    await both;
    await subscription.stop();
    expect(seen.toSorted()).toEqual(['b', 'd']);
    expect([...(await harness.log.committed('g')).keys()].toSorted()).toEqual(['b', 'd']);
  });

  it('fails loudly when what the group should read next was trimmed away', async () => {
    await harness.produce(
      'a',
      Array.from({ length: 100 }, () => ({ topic: TOPICS.control, value: Buffer.alloc(1_000) })),
    );
    await harness.log.commit('g', 'a', 3);
    await (await harness.journal('a')).acknowledge(60, 60);
    const subscription = await harness.log.subscribe(options, async () => {});
    await expect(subscription.failed).rejects.toMatchObject({ code: 'not_found' });
    await expect(harness.log.read('a', 1, 1)).rejects.toMatchObject({ code: 'not_found' });
    const [state] = await harness.log.partitions();
    expect(state).toMatchObject({ nextOffset: 101 });
    expect(state?.firstOffset).toBeGreaterThan(40);
  });

  it('goes on at the oldest record when the group may skip what was trimmed away', async () => {
    await harness.produce(
      'a',
      Array.from({ length: 100 }, () => ({ topic: TOPICS.control, value: Buffer.alloc(1_000) })),
    );
    await harness.log.commit('g', 'a', 3);
    await (await harness.journal('a')).acknowledge(60, 60);
    const [state] = await harness.log.partitions();
    const first = await new Promise<number>((resolve) => {
      void harness.log.subscribe({ ...options, whenTrimmed: 'skip' }, async (batch) => resolve(batch.firstOffset));
    });
    expect(first).toBe(state?.firstOffset);
  });

  it('a new group begins at the oldest record that is retained', async () => {
    await harness.produce(
      'a',
      Array.from({ length: 100 }, () => ({ topic: TOPICS.control, value: Buffer.alloc(1_000) })),
    );
    await (await harness.journal('a')).acknowledge(60, 60);
    const [state] = await harness.log.partitions();
    const first = await new Promise<number>((resolve) => {
      void harness.log.subscribe(options, async (batch) => resolve(batch.firstOffset));
    });
    expect(first).toBe(state?.firstOffset);
    expect(await harness.log.consumed(['g', 'other'])).toEqual(new Map([['a', state?.firstOffset]]));
  });

  it('fails loudly when a replay can no longer be complete', async () => {
    await harness.produce('a', [control('1')]);
    await harness.log.commit('g', 'a', 1, '{"to":5}');
    const subscription = await harness.log.subscribe({ ...options, replayTo: () => 5 }, async () => {});
    await expect(subscription.failed).rejects.toMatchObject({ code: 'event_log_failed' });
  });

  it('fails loudly on a topic it does not know', async () => {
    await (await harness.journal('a')).append([{ topic: 99, payload: Buffer.from('x') }]);
    const subscription = await harness.log.subscribe(options, async () => {});
    await expect(subscription.failed).rejects.toMatchObject({ code: 'event_log_failed' });
  });

  it('refuses damaged offsets', async () => {
    await harness.log.commit('g', 'a', 1);
    await writeFile(join(harness.directory, 'groups', 'g.json'), '{"version":1,"partitions":{"a":{"offset":-1}}}');
    const log = await harness.restart();
    await expect(log.committed('g')).rejects.toMatchObject({ code: 'event_log_failed' });
    await expect(log.subscribe(options, async () => {})).rejects.toMatchObject({ code: 'event_log_failed' });
    await expect(log.commit('../g', 'a', 1)).rejects.toMatchObject({ code: 'usage_invalid' });
  });

  it('wakes up across threads within milliseconds', async () => {
    const watermarks = createWatermarks(['t']);
    const cell = watermarks.get('t') as SharedArrayBuffer;
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      parentPort.once('message', () => { const view = new BigInt64Array(workerData); Atomics.store(view, 0, 1n); Atomics.notify(view, 0); });`;
    const worker = new Worker(script, { eval: true, workerData: cell });
    const log = new EmbeddedEventLog({
      journalDirectory: join(harness.directory, 'other'),
      groupsDirectory: join(harness.directory, 'groups'),
      key,
      watermarks,
    });
    const { waitForWatermark } = await import('#journal');
    const waited = waitForWatermark(cell, 0, 10_000);
    worker.postMessage('publish');
    await waited;
    expect(await log.partitions()).toEqual([{ partition: 't', firstOffset: 1, nextOffset: 2 }]);
    await log.close();
    await worker.terminate();
  });
});
