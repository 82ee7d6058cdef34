import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { packageRoot } from '#config';
import { AffiantError } from '#errors';
import { ALL_TOPICS, TOPICS, type Topic } from '#events';
import { kafkaInstalled, startKafka, type TestKafka } from '../../../../test/support/engines/kafka.mjs';
import { eventLogContract, type EventLogHarness } from '../contract/event-log.contract.js';
import type { LogBatch } from '../port.js';
import { GroupMember } from './group-member.js';
import { KafkaEventLog, type KafkaEventLogOptions } from './kafka-event-log.js';
import { setOffset } from './offset-setter.js';
import { partitionName } from './partition-of.js';
import { KafkaSender } from './sender.js';

const PARTITIONS = 4;

/** Until it is true; errors count as not yet. */
async function eventually(condition: () => Promise<boolean> | boolean, ms = 30_000): Promise<void> {
  for (const until = Date.now() + ms; ;) {
    const done = await Promise.resolve()
      .then(condition)
      .catch((error: unknown) => {
        if (Date.now() > until) throw error;
        return false;
      });
    if (done) return;
    if (Date.now() > until) throw new Error('it did not come true in time');
    await delay(20);
  }
}

describe.skipIf(!kafkaInstalled())('on a real broker', () => {
  let broker: TestKafka;
  let kafka: Kafka;
  let opened = 0;

  beforeAll(async () => {
    broker = await startKafka({ brokers: 1 });
    kafka = new Kafka({ ...broker.connection, logLevel: logLevel.NOTHING });
  }, 180_000);
  afterAll(() => broker.stop());

  /** Topics of its own on the shared broker. */
  const openHarness = async (): Promise<
    EventLogHarness & {
      more(change?: Partial<KafkaEventLogOptions>): KafkaEventLog;
      raw(topic: Topic): string;
      trim(name: string, before: number): Promise<void>;
    }
  > => {
    opened += 1;
    const prefix = `t${opened}.`;
    const connection = { ...broker.connection, clientId: 'test' };
    const topics = ALL_TOPICS.map((topic) => prefix + topic);
    const withAdmin = async (work: (admin: ReturnType<Kafka['admin']>) => Promise<unknown>): Promise<void> => {
      const admin = kafka.admin();
      await admin.connect();
      await work(admin).finally(() => admin.disconnect());
    };
    const createTopics = () =>
      withAdmin(async (admin) => {
        await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: PARTITIONS })), waitForLeaders: false });
        // kafkajs' own wait fails on a topic that is not known yet.
        await eventually(async () => (await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)))).length === topics.length);
      });
    await createTopics();
    const openLog = (change: Partial<KafkaEventLogOptions> = {}) => new KafkaEventLog({ connection, prefix, settleMs: 500, ...change });
    const sender = new KafkaSender({ connection, prefix });
    const numbers = new Map<string, number>();
    const numberOf = (name: string): number => {
      if (!numbers.has(name)) numbers.set(name, numbers.size);
      return numbers.get(name) as number;
    };
    let log = openLog();
    const others: KafkaEventLog[] = [];
    return {
      get log() {
        return log;
      },
      partition: (name, topic: Topic = TOPICS.control) => partitionName(topic, numberOf(name)),
      async produce(name, records) {
        for (const topic of new Set(records.map((record) => record.topic))) {
          const values = records.filter((record) => record.topic === topic);
          await sender.send(
            topic,
            numberOf(name),
            values.map(({ value }) => ({ key: name, value, timestamp: 1_700_000_000_000 })),
          );
        }
      },
      async restart() {
        await log.close();
        log = openLog();
        return log;
      },
      more(change) {
        const other = openLog(change);
        others.push(other);
        return other;
      },
      raw: (topic) => prefix + topic,
      trim: (name, before) =>
        withAdmin(async (admin) => {
          const topic = prefix + TOPICS.control;
          await admin.fetchTopicOffsets(topic);
          await admin.deleteTopicRecords({ topic, partitions: [{ partition: numberOf(name), offset: String(before) }] });
        }),
      async close() {
        await Promise.all([log, ...others].map((each) => each.close()));
        await sender.close();
      },
    };
  };

  eventLogContract('Kafka', openHarness);

  describe('beyond the contract', () => {
    let harness: Awaited<ReturnType<typeof openHarness>>;
    beforeEach(async () => {
      harness = await openHarness();
    });
    afterEach(() => harness.close());

    const options = { group: 'group', topics: ALL_TOPICS, maxBatchRecords: 100, maxBatchBytes: 1 << 20 };
    const value = (text: string) => ({ topic: TOPICS.control, value: Buffer.from(text) });
    const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => value(`${from + index}`));
    const textsOf = (batch: LogBatch): string[] => batch.records.map((record) => record.value.toString());

    it('shares the partitions among the members, hands them over, and loses nothing', async () => {
      const names = ['a', 'b', 'c', 'd'];
      const seen = new Map<string, Set<string>>(names.map((name) => [harness.partition(name), new Set()]));
      const byMember: Set<string>[] = [new Set(), new Set()];
      const member = (log: KafkaEventLog, index: number) =>
        log.subscribe({ ...options, maxBatchRecords: 5 }, async (batch) => {
          byMember[index]?.add(batch.partition);
          await delay(5);
          await log.commit('group', batch.partition, batch.lastOffset + 1);
          for (const text of textsOf(batch)) seen.get(batch.partition)?.add(text);
        });
      const whole = (count: number) => [...seen.values()].every((texts) => texts.size === count);
      const [one, two] = [harness.log as KafkaEventLog, harness.more()];
      let produced = 0;
      const produce = async (): Promise<void> => {
        for (const name of names) await harness.produce(name, numbered(produced + 1, produced + 20));
        produced += 20;
      };
      await produce();
      const first = await member(one, 0);
      await eventually(() => [...seen.values()].some((texts) => texts.size > 5));
      await member(two, 1);
      await eventually(async () => {
        await produce();
        return byMember[1]?.size === 2;
      });
      await eventually(() => whole(produced));
      await first.stop();
      await produce();
      await eventually(() => whole(produced));
      expect(byMember[1]?.size).toBe(4);
      await eventually(async () => [...(await two.lag('group')).values()].every((lag) => lag === 0));
    });

    it('keeps its membership while a handler is slow, and takes no commit of a handler whose partition is gone', async () => {
      // All partitions of the topic: each member gets two of them, whichever.
      const names = ['a', 'b', 'c', 'd'];
      for (const name of names) await harness.produce(name, numbered(1, 3));
      const [one, two] = [harness.log as KafkaEventLog, harness.more()];
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      onTestFinished(() => release());
      const refused: string[] = [];
      const inHand = new Set<string>();
      const first = await one.subscribe(options, async (batch) => {
        inHand.add(batch.partition);
        await held;
        await one.commit('group', batch.partition, batch.lastOffset + 1).catch((error: { code: string }) => {
          refused.push(`${batch.partition} ${error.code}`);
          throw error;
        });
      });
      await eventually(() => inHand.size === 4);
      const got = new Map<string, string[]>();
      await two.subscribe(options, async (batch) => {
        got.set(batch.partition, textsOf(batch));
        await two.commit('group', batch.partition, batch.lastOffset + 1, 'of two');
      });
      await eventually(() => got.size >= 1);
      release();
      // All handlers of the first member belong to generations that are over, whoever has the partitions now.
      await eventually(() => refused.length === 4);
      expect(refused.toSorted()).toEqual(names.map((name) => `${harness.partition(name)} conflict`).toSorted());
      await first.stop();
      await eventually(
        async () => [...(await two.committed('group')).values()].filter(({ metadata }) => metadata === 'of two').length === 4,
      );
      expect([...got.values()]).toEqual(names.map(() => ['1', '2', '3']));
    });

    it('does not commit for a group that somebody else serves', async () => {
      await harness.produce('a', numbered(1, 3));
      let served = 0;
      await harness.log.subscribe(options, async () => {
        served += 1;
      });
      await eventually(() => served > 0);
      await expect(harness.more().commit('group', harness.partition('a'), 3)).rejects.toMatchObject({ code: 'event_log_failed' });
      expect(await harness.log.committed('group')).toEqual(new Map());
    });

    it('shows the last committed record before the first batch, and halts when it is another one', async () => {
      await harness.produce('a', numbered(1, 5));
      await harness.log.commit('group', harness.partition('a'), 3);
      const shown: string[] = [];
      const batches: string[][] = [];
      const good = await harness.log.subscribe(
        { ...options, verifyLast: async (partition, offset, last) => void shown.push(`${partition} ${offset} ${last.toString()}`) },
        async (batch) => void batches.push(textsOf(batch)),
      );
      await eventually(() => batches.length > 0);
      expect(shown).toEqual([`${harness.partition('a')} 2 3`]);
      expect(batches[0]?.[0]).toBe('4');
      await good.stop();
      const conflict = new AffiantError('ledger_conflict', 'the topic was made anew');
      const bad = await harness.more().subscribe({ ...options, verifyLast: () => Promise.reject(conflict) }, async () => {});
      await expect(bad.failed).rejects.toBe(conflict);
    });

    it('halts when the log is shorter than what was committed, or than an intent', async () => {
      await harness.produce('a', numbered(1, 5));
      await harness.log.commit('beyond', harness.partition('a'), 9);
      await harness.log.commit('intent', harness.partition('a'), 2, 'to 7');
      const log = harness.log;
      for (const group of ['beyond', 'intent']) {
        const subscription = await log.subscribe({ ...options, group, replayTo: () => 7 }, async () => {});
        await expect(subscription.failed).rejects.toMatchObject({ code: 'ledger_conflict' });
      }
      expect((await log.committed('intent')).get(harness.partition('a'))).toEqual({ offset: 2, metadata: 'to 7' });
    });

    it('halts when what it needs next is no longer retained, also while it runs; goes on only when it may skip', async () => {
      await harness.produce('a', numbered(1, 5));
      const partition = harness.partition('a');
      await harness.log.commit('group', partition, 1, 'kept');
      await harness.log.commit('follower', partition, 1);
      await harness.trim('a', 3);
      const halted = await harness.log.subscribe(options, async () => {});
      await expect(halted.failed).rejects.toMatchObject({ code: 'ledger_conflict' });
      const texts: string[] = [];
      await harness.log.subscribe(
        { ...options, group: 'follower', whenTrimmed: 'skip' },
        async (batch) => void texts.push(...textsOf(batch)),
      );
      await eventually(() => texts.length === 2);
      expect(texts).toEqual(['4', '5']);

      // A handler that takes longer than the retention: kafkajs would commit "the beginning" for the group and read on (H7).
      await harness.produce('b', numbered(1, 5));
      const b = harness.partition('b');
      let release = (): void => {};
      const gate = new Promise<void>((resolve) => (release = resolve));
      onTestFinished(() => release());
      let entered = false;
      const running = await harness.log.subscribe({ ...options, group: 'slow', maxBatchRecords: 1 }, async (batch) => {
        if (batch.partition === b) {
          entered = true;
          await gate;
        }
        await harness.log.commit('slow', batch.partition, batch.lastOffset + 1, 'mine');
      });
      await eventually(() => entered);
      await harness.produce('b', numbered(6, 30));
      await harness.trim('b', 20);
      release();
      await expect(running.failed).rejects.toMatchObject({ code: 'ledger_conflict' });
      expect((await harness.log.committed('slow')).get(b)?.metadata).toBe('mine');
    });

    it('begins where it means to, though kafkajs was about to fetch from a commit that is no longer in the log', async () => {
      await harness.produce('a', numbered(1, 5));
      await harness.log.commit('follower', harness.partition('a'), 1);
      await harness.trim('a', 3);
      // kafkajs takes over where to read from, then asks for the offsets of the group: what it is told meanwhile it knows in the next fetch only.
      const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/offsetManager') as {
        prototype: { resolveOffsets(): Promise<void>; nextOffset(topic: string, partition: number): object };
      };
      const { resolveOffsets } = prototype;
      const resumed = vi.spyOn(GroupMember.prototype, 'resume');
      const asked = vi.spyOn(prototype, 'nextOffset');
      vi.spyOn(prototype, 'resolveOffsets').mockImplementation(async function (this: object) {
        await Reflect.apply(resolveOffsets, this, []);
        await eventually(() => resumed.mock.calls.length > 0);
      });
      onTestFinished(() => void vi.restoreAllMocks());
      const texts: string[] = [];
      const following = await harness.log.subscribe(
        { ...options, group: 'follower', whenTrimmed: 'skip' },
        async (batch) => void texts.push(...textsOf(batch)),
      );
      await Promise.race([eventually(() => texts.length === 2), following.failed]);
      expect(texts).toEqual(['4', '5']);
      expect(asked.mock.results.map(({ value: offset }) => String(offset))).toContain('1');
    });

    describe('what kafkajs does by itself, in a process where nothing of it is replaced', () => {
      const plain = async (topic: string, eachBatch: string, fromBeginning = false): Promise<string[]> => {
        const script = `
          import { Kafka, logLevel } from 'kafkajs';
          const consumer = new Kafka({ brokers: ${JSON.stringify(broker.bootstrap)}, logLevel: logLevel.NOTHING }).consumer({ groupId: '${topic}-plain', maxWaitTimeInMs: 100 });
          const seen = [];
          await consumer.connect();
          await consumer.subscribe({ topic: '${topic}', fromBeginning: ${fromBeginning} });
          await consumer.run({ autoCommit: false, eachBatch: async ({ batch, resolveOffset }) => {
            const texts = batch.messages.map(({ value }) => value.toString());
            ${eachBatch}
            if (seen.includes('last')) console.log(JSON.stringify(seen)), process.exit(0);
          } });
        `;
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          cwd: packageRoot,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const producing = setInterval(() => void harness.produce('a', [value('last')]), 1_000);
        try {
          const out = child.stdout.setEncoding('utf8');
          for await (const line of out) return JSON.parse(String(line)) as string[];
          throw new Error('it saw nothing');
        } finally {
          clearInterval(producing);
          child.kill('SIGKILL');
        }
      };

      it('H7: passes over what is there when its offset is not, and commits over the one of the group', async () => {
        await harness.produce('a', numbered(1, 5));
        const topic = harness.raw(TOPICS.control);
        await setOffset(kafka, `${topic}-plain`, { topic, partition: 0 }, 1, 'an intent');
        await harness.trim('a', 3);
        expect(await plain(topic, 'seen.push(...texts);')).not.toContain('4');
        const admin = kafka.admin();
        await admin.connect();
        const [found] = await admin.fetchOffsets({ groupId: `${topic}-plain`, topics: [topic] });
        await admin.disconnect();
        expect(found?.partitions.find(({ partition }) => partition === 0)?.metadata).not.toBe('an intent');
      });

      it('H8: passes over the rest of a batch that its handler left early', async () => {
        await harness.produce('a', numbered(1, 5));
        const topic = harness.raw(TOPICS.control);
        const seen = await plain(topic, 'seen.push(texts[0]); resolveOffset(batch.messages[0].offset);', true);
        expect(seen.slice(0, 2)).toEqual(['1', 'last']);
      });
    });

    it('H8, ours: what a handler left unfinished comes again', async () => {
      await harness.produce('a', numbered(1, 5));
      const firsts: number[] = [];
      const early = await harness.log.subscribe(options, async (batch) => {
        firsts.push(batch.firstOffset);
        await harness.log.commit('group', batch.partition, batch.firstOffset + 1);
      });
      await eventually(() => firsts.length === 1);
      await early.stop();
      const texts: string[] = [];
      await harness.more().subscribe(options, async (batch) => void texts.push(...textsOf(batch)));
      await eventually(() => texts.length === 4);
      expect(texts).toEqual(['2', '3', '4', '5']);
    });

    it('is patient with topics that do not exist yet, and says so when it gives up', async () => {
      const warnings: string[] = [];
      const log = harness.more({ prefix: 'none.', patienceMs: 300, report: (message) => warnings.push(message) });
      const subscription = await log.subscribe(options, async () => {});
      await expect(subscription.failed).rejects.toMatchObject({
        code: 'event_log_failed',
        remedy: expect.stringContaining('topics apply'),
      });
      expect(warnings.some((warning) => warning.includes('joining again'))).toBe(true);
    });
  });
});
