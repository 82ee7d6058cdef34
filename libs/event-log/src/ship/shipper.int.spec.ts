import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventCodec, SYSTEM_CONTEXT, SystemClock, SystemIds, TOPICS, type EventDraft } from '#events';
import { createWatermarks, JournalReader, JournalRecorder, recoverSource } from '#journal';
import { createLogger } from '#observability';
import { kafkaInstalled, startKafka, type TestKafka } from '../../../../test/support/engines/kafka.mjs';
import { KafkaEventLog } from '../kafka/kafka-event-log.js';
import { partitionOf } from '../kafka/partition-of.js';
import { KafkaSender } from '../kafka/sender.js';
import { PositionFile } from './position-file.js';
import { Shipper } from './shipper.js';

const PARTITIONS = 3;
const SOURCE = 'proxy-a';

const control = (at: number): EventDraft => ({
  type: 'control',
  context: SYSTEM_CONTEXT,
  event: { kind: 'test', outcome: 'success', subject: String(at), attributes: [], detail: 'x'.repeat(500) },
});
const deadLetter = (at: number): EventDraft => ({
  type: 'dead_letter',
  context: SYSTEM_CONTEXT,
  event: { topic: 'none', partition: 'none', offset: at, code: 'event_invalid', reason: 'test', payload: Buffer.from('x') },
});

describe.skipIf(!kafkaInstalled())('the shipper on a real broker', () => {
  let broker: TestKafka;
  let directory: string;

  beforeAll(async () => {
    broker = await startKafka({ brokers: 1 });
    directory = await mkdtemp(join(tmpdir(), 'shipper-'));
    const admin = new Kafka({ ...broker.connection, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({
      topics: [TOPICS.control, TOPICS.deadLetter].map((topic) => ({ topic, numPartitions: PARTITIONS })),
      waitForLeaders: true,
    });
    await admin.disconnect();
  }, 180_000);
  afterAll(async () => {
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('loses nothing and keeps the order of each topic over a kill of the broker and a restart of its own', async () => {
    const codec = new EventCodec();
    const clock = new SystemClock();
    const watermarks = createWatermarks([SOURCE]);
    const key = Buffer.alloc(32, 1);
    const { journal } = await recoverSource({
      directory: join(directory, SOURCE),
      sourceId: SOURCE,
      key,
      segmentBytes: 1 << 20,
      highWaterBytes: 1 << 28,
      watermarks,
      codec,
    });
    const recorder = new JournalRecorder({ journal, codec, clock, ids: new SystemIds() });
    const sender = new KafkaSender({ connection: broker.connection });
    const open = async (): Promise<Shipper> => {
      const shipper = new Shipper({
        sourceId: SOURCE,
        reader: new JournalReader({
          directory: join(directory, SOURCE),
          sourceId: SOURCE,
          key,
          watermark: watermarks.get(SOURCE) as SharedArrayBuffer,
        }),
        durableSeq: () => journal.durableSeq,
        sender,
        partition: partitionOf(SOURCE, PARTITIONS),
        positions: new PositionFile(join(directory, 'shipped.json')),
        resendAfterMs: 600_000,
        clock,
        logger: createLogger('test', { level: 'silent' }),
      });
      await shipper.start();
      return shipper;
    };
    const record = async (count: number): Promise<number> => {
      for (let at = 0; at < count; at += 1) await recorder.record([at % 5 === 0 ? deadLetter(at) : control(at)]);
      return journal.durableSeq;
    };

    let shipper = await open();
    expect(await shipper.replicatedThrough(await record(300), 60_000)).toBe(true);
    await broker.brokers[0]?.kill();
    const whileAway = await record(300);
    expect(await shipper.replicatedThrough(whileAway, 200)).toBe(false);
    await broker.brokers[0]?.start();
    expect(await shipper.replicatedThrough(whileAway, 120_000)).toBe(true);
    expect(await shipper.stop(10_000)).toBe(true);
    shipper = await open();
    const last = await record(100);
    expect(await shipper.replicatedThrough(last, 60_000)).toBe(true);
    await shipper.stop(10_000);
    await sender.close();
    await journal.close();

    const seqs = await everything(broker, codec);
    expect(new Set(seqs.flatMap(({ found }) => found))).toEqual(new Set(Array.from({ length: last }, (_, at) => at + 1)));
    for (const { topic, found } of seqs) {
      // Whatever is doubled stands behind itself: the first of each are in order.
      const first = [...new Set(found)];
      expect(first, topic).toEqual(first.toSorted((a, b) => a - b));
    }
  }, 300_000);
});

/** Seqs per topic-partition, in the order of the log. */
async function everything(broker: TestKafka, codec: EventCodec): Promise<{ topic: string; found: number[] }[]> {
  const log = new KafkaEventLog({ connection: broker.connection, topics: [TOPICS.control, TOPICS.deadLetter] });
  try {
    const partitions = await log.partitions();
    expect(partitions).toHaveLength(2);
    const all: { topic: string; found: number[] }[] = [];
    for (const { partition, firstOffset, nextOffset } of partitions) {
      const found: number[] = [];
      for (let offset = firstOffset; offset < nextOffset;) {
        const records = await log.read(partition, offset, 500);
        for (const { value } of records) found.push(codec.decode(value).event.envelope.seq);
        offset = (records.at(-1)?.offset ?? nextOffset) + 1;
      }
      all.push({ topic: partition, found });
    }
    return all;
  } finally {
    await log.close();
  }
}
