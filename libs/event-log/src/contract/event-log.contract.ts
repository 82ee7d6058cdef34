import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { ALL_TOPICS, TOPICS, type Topic } from '#events';
import type { EventLog, EventLogTail, LogBatch, SubscribeOptions, Subscription } from '../port.js';

/** What an adapter's test offers to the suite: a log with nothing in it, a way to produce, and a restart that keeps what is durable. */
export interface EventLogHarness {
  readonly log: EventLog & EventLogTail;
  /** What the adapter calls the partition of events of a topic (control unless given) that `produce` is given under a name. */
  partition(name: string, topic?: Topic): string;
  /** Durable in the log when it resolves, in this order; partitions are made as they are named. */
  produce(name: string, records: readonly { readonly topic: Topic; readonly value: Buffer }[]): Promise<void>;
  /** Closes the log and opens it again, as a new process would. */
  restart(): Promise<EventLog & EventLogTail>;
  close(): Promise<void>;
}

const value = (text: string, topic: Topic = TOPICS.control): { topic: Topic; value: Buffer } => ({ topic, value: Buffer.from(text) });
const values = (from: number, to: number, topic?: Topic) =>
  Array.from({ length: to - from + 1 }, (_, index) => value(`${from + index}`, topic));

/** Every adapter of the EventLog port passes this suite. */
export function eventLogContract(name: string, open: () => Promise<EventLogHarness>): void {
  describe(`${name} as event log`, () => {
    let harness: EventLogHarness;
    let subscriptions: Subscription[];

    beforeEach(async () => {
      harness = await open();
      subscriptions = [];
    });
    afterEach(async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
      await harness.close();
    });

    const defaults: SubscribeOptions = { group: 'group', topics: ALL_TOPICS, maxBatchRecords: 100, maxBatchBytes: 1 << 20 };

    /** Subscribes and hands out what came, batch by batch; `until` waits for a number of records. */
    const consume = async (change: Partial<SubscribeOptions> = {}, log = harness.log, handle?: (batch: LogBatch) => Promise<void>) => {
      const batches: LogBatch[] = [];
      let wake = (): void => {};
      const options = { ...defaults, ...change };
      const subscription = await log.subscribe(options, async (batch) => {
        await (handle ?? ((done) => log.commit(options.group, done.partition, done.lastOffset + 1)))(batch);
        batches.push(batch);
        wake();
      });
      subscriptions.push(subscription);
      const records = () => batches.flatMap((batch) => batch.records);
      const until = async (count: number): Promise<string[]> => {
        while (records().length < count) await Promise.race([new Promise<void>((resolve) => (wake = resolve)), subscription.failed]);
        return records().map((record) => record.value.toString());
      };
      return { batches, until, subscription };
    };

    it('gives every record of a partition once, in order, exactly as it was produced', async () => {
      const bytes = [Buffer.alloc(0), Buffer.from([0, 255, 10]), Buffer.alloc(70_000, 7)];
      await harness.produce(
        'a',
        bytes.map((of) => ({ topic: TOPICS.control, value: of })),
      );
      const { batches, until } = await consume();
      await until(3);
      await harness.produce('a', values(4, 40));
      await until(40);
      const records = batches.flatMap((batch) => batch.records);
      expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 40 }, (_, index) => (records[0]?.offset ?? 0) + index));
      expect(
        records
          .slice(0, 3)
          .map((record) => [record.topic, record.value.equals(bytes[record.offset - (records[0]?.offset ?? 0)] as Buffer)]),
      ).toEqual([
        [TOPICS.control, true],
        [TOPICS.control, true],
        [TOPICS.control, true],
      ]);
      for (const batch of batches) {
        expect(batch).toMatchObject({
          partition: harness.partition('a'),
          firstOffset: batch.records[0]?.offset,
          lastOffset: batch.records.at(-1)?.offset,
        });
      }
    });

    it('cuts batches by records and by bytes, and never delivers an empty one', async () => {
      await harness.produce('a', values(1, 25));
      await harness.produce(
        'b',
        Array.from({ length: 5 }, () => ({ topic: TOPICS.control, value: Buffer.alloc(400) })),
      );
      const { batches, until } = await consume({ maxBatchRecords: 10, maxBatchBytes: 1_000 });
      await until(30);
      const sizes = (of: string) =>
        batches.filter((batch) => batch.partition === harness.partition(of)).map((batch) => batch.records.length);
      expect(Math.max(...sizes('a'))).toBeLessThanOrEqual(10);
      expect(Math.max(...sizes('b'))).toBeLessThanOrEqual(2);
      expect(Math.min(...sizes('a'), ...sizes('b'))).toBeGreaterThan(0);
    });

    it('hands over a record larger than the byte limit alone', async () => {
      await harness.produce('a', [value('x'), { topic: TOPICS.control, value: Buffer.alloc(5_000) }, value('y')]);
      const { batches, until } = await consume({ maxBatchBytes: 1_000 });
      await until(3);
      expect(batches.map(({ records }) => records.length)).toEqual([1, 1, 1]);
    });

    it('picks up a partition that appears while it runs, and reads partitions independently', async () => {
      await harness.produce('slow', values(1, 2));
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const seen: string[] = [];
      let came = (): void => {};
      const both = new Promise<void>((resolve) => (came = resolve));
      await consume({}, harness.log, async (batch) => {
        if (batch.partition === harness.partition('slow')) await held;
        seen.push(batch.partition);
        if (batch.partition === harness.partition('fast')) came();
      });
      await harness.produce('fast', values(1, 2));
      await both;
      expect(seen).not.toContain(harness.partition('slow'));
      release();
    });

    it('goes on behind the commit after a restart, and again from there without one', async () => {
      await harness.produce('a', values(1, 10));
      const first = await consume({ maxBatchRecords: 5 }, harness.log, async (batch) => {
        if (batch.records.some((record) => record.value.toString() === '5'))
          await harness.log.commit('group', batch.partition, batch.lastOffset + 1, null);
      });
      await first.until(10);
      await first.subscription.stop();
      subscriptions = [];
      const second = await consume({}, await harness.restart());
      expect(await second.until(5)).toEqual(['6', '7', '8', '9', '10']);
    });

    it('says where reading begins with the first batch of a partition, and only then', async () => {
      await harness.produce('a', values(1, 10));
      const first = await consume({ maxBatchRecords: 5 });
      await first.until(10);
      await first.subscription.stop();
      subscriptions = [];
      expect(first.batches.length).toBeGreaterThan(1);
      expect(first.batches[0]?.assigned).toEqual({ committed: null });
      expect(first.batches.slice(1).every(({ assigned }) => assigned === undefined)).toBe(true);
      const end = (first.batches.at(-1)?.lastOffset ?? 0) + 1;
      const log = await harness.restart();
      const second = await consume({}, log);
      await harness.produce('a', values(11, 12));
      await second.until(2);
      expect(second.batches[0]?.assigned).toEqual({ committed: { offset: end, metadata: null } });
    });

    it('keeps the commits and metadata of each group and partition apart, durably', async () => {
      await harness.produce('a', values(1, 3));
      await harness.produce('b', values(1, 3));
      const [a, b] = [harness.partition('a'), harness.partition('b')];
      await Promise.all([harness.log.commit('g1', a, 2, '{"to":3}'), harness.log.commit('g1', b, 3), harness.log.commit('g2', a, 1, 'x')]);
      await harness.log.commit('g2', a, 3, null);
      const log = await harness.restart();
      expect(await log.committed('g1')).toEqual(
        new Map([
          [a, { offset: 2, metadata: '{"to":3}' }],
          [b, { offset: 3, metadata: null }],
        ]),
      );
      expect(await log.committed('g2')).toEqual(new Map([[a, { offset: 3, metadata: null }]]));
      expect(await log.committed('g3')).toEqual(new Map());
    });

    it('repeats the very batch that an intent names, then goes on', async () => {
      await harness.produce('a', values(1, 30));
      const [first] = await harness.log.partitions();
      const base = first?.firstOffset ?? 0;
      await harness.log.commit('group', harness.partition('a'), base + 2, JSON.stringify({ to: base + 13 }));
      const log = await harness.restart();
      const { batches, until } = await consume(
        { maxBatchRecords: 4, maxBatchBytes: 8, replayTo: ({ metadata }) => (JSON.parse(metadata ?? '{}') as { to: number }).to },
        log,
      );
      await until(28);
      expect([batches[0]?.firstOffset, batches[0]?.lastOffset, batches[0]?.records.length]).toEqual([base + 2, base + 13, 12]);
      expect(Math.max(...batches.slice(1).map(({ records }) => records.length))).toBeLessThanOrEqual(4);
    });

    it('gives only the topics asked for, and commits past the others once all before them is committed', async () => {
      await harness.produce('a', [...values(1, 3), value('4', TOPICS.request), ...values(5, 7)]);
      const { until, subscription } = await consume({ topics: [TOPICS.request] });
      expect(await until(1)).toEqual(['4']);
      await subscription.stop();
      subscriptions = [];
      expect((await harness.log.lag('group')).get(harness.partition('a', TOPICS.request))).toBe(0);
    });

    it('does not commit past anything while the handler has not committed, or left an intent', async () => {
      await harness.produce('a', [value('1', TOPICS.request), ...values(2, 3)]);
      const silent = await consume({ group: 'silent', topics: [TOPICS.request] }, harness.log, async () => {});
      const intent = await consume({ group: 'intent', topics: [TOPICS.request] }, harness.log, async (batch) => {
        await harness.log.commit('intent', batch.partition, batch.firstOffset, 'open');
      });
      await Promise.all([silent.until(1), intent.until(1)]);
      await Promise.all([silent.subscription.stop(), intent.subscription.stop()]);
      subscriptions = [];
      expect(await harness.log.committed('silent')).toEqual(new Map());
      expect((await harness.log.committed('intent')).get(harness.partition('a', TOPICS.request))?.metadata).toBe('open');
    });

    const retry = { attempts: 3, firstMs: 1, maxMs: 2 };

    it('gives a batch again when the handler fails retryably', async () => {
      await harness.produce('a', values(1, 5));
      let failures = 0;
      const { batches, until } = await consume({ retry }, harness.log, async () => {
        if (failures < 2) {
          failures += 1;
          throw new AffiantError('engine_failed', 'down');
        }
      });
      await until(5);
      expect(failures).toBe(2);
      expect(batches[0]?.records.map((record) => record.value.toString()).slice(0, 1)).toEqual(['1']);
    });

    it.each([
      ['after the last attempt', new AffiantError('engine_failed', 'down'), 3],
      ['at once when trying again cannot help', new AffiantError('ledger_conflict', 'forked'), 1],
      ['at once on an error that is not ours', new TypeError('bug'), 1],
    ])('fails the subscription %s, and commits nothing', async (_case, error, expected) => {
      await harness.produce('a', values(1, 5));
      let calls = 0;
      const { subscription } = await consume({ retry }, harness.log, async () => {
        calls += 1;
        throw error;
      });
      await expect(subscription.failed).rejects.toBe(error);
      expect(calls).toBe(expected);
      await subscription.stop();
      expect(await harness.log.committed('group')).toEqual(new Map());
    });

    it('stops after the batch in hand', async () => {
      await harness.produce('a', values(1, 10));
      let release = (): void => {};
      let entered = (): void => {};
      const inHand = new Promise<void>((resolve) => (entered = resolve));
      const { batches, subscription } = await consume({ maxBatchRecords: 2 }, harness.log, async () => {
        entered();
        await new Promise<void>((resolve) => (release = resolve));
      });
      await inHand;
      const stopped = subscription.stop();
      release();
      await stopped;
      expect(batches).toHaveLength(1);
      subscriptions = [];
    });

    it('tells the lag and what can be read, and reads without a group', async () => {
      await harness.produce('a', values(1, 10));
      await harness.produce('b', values(1, 3, TOPICS.request));
      const [a, b] = [harness.partition('a'), harness.partition('b', TOPICS.request)];
      const states = await harness.log.partitions();
      expect(states.map(({ partition, firstOffset, nextOffset }) => [partition, nextOffset - firstOffset])).toEqual([
        [a, 10],
        [b, 3],
      ]);
      const base = states[0]?.firstOffset ?? 0;
      expect(await harness.log.lag('new')).toEqual(
        new Map([
          [a, 10],
          [b, 3],
        ]),
      );
      await harness.log.commit('some', a, base + 7);
      expect((await harness.log.lag('some')).get(a)).toBe(3);
      const texts = async (from: number, limit: number): Promise<string[]> =>
        (await harness.log.read(a, base + from, limit)).map((record) => record.value.toString());
      expect(await texts(0, 3)).toEqual(['1', '2', '3']);
      expect(await texts(8, 100)).toEqual(['9', '10']);
      expect(await texts(2, 2)).toEqual(['3', '4']);
      expect(await texts(10, 5)).toEqual([]);
      await expect(harness.log.read('none', 1, 1)).rejects.toMatchObject({ code: 'not_found' });
      expect((await harness.log.committed('new')).size).toBe(0);
    });

    it('lingers for more when asked to', async () => {
      await harness.produce('a', values(1, 1));
      const { batches, until } = await consume({ lingerMs: 1_000 });
      await harness.produce('a', values(2, 5));
      await until(5);
      expect(batches[0]?.records.length).toBe(5);
    });

    it('refuses to work once closed', async () => {
      const closed = harness.log;
      await harness.restart();
      await expect(closed.commit('g', harness.partition('a'), 1)).rejects.toMatchObject({ code: 'event_log_failed' });
    });
  });
}
