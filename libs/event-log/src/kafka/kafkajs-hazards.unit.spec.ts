import { Kafka, logLevel, Partitioners, type Producer, type ProducerConfig } from 'kafkajs';
import { afterEach, describe, expect, it } from 'vitest';
import { KafkaSender, type KafkaRecord } from './sender.js';
import { ERROR, StubCluster, type AnsweredPart, type ProducedPart } from './testing/stub-cluster.fixture.js';

/**
 * Ways in which kafkajs 2.2.4 acknowledges what is not written, each against the same brokers twice: as it comes, and through the sender.
 * When a "plain" case no longer loses, kafkajs has changed and the sender can be thought over.
 */
let cluster: StubCluster;
let plain: Producer | undefined;
let sender: KafkaSender | undefined;
afterEach(async () => {
  await sender?.close();
  await plain?.disconnect();
  await cluster.stop();
  sender = undefined;
  plain = undefined;
});

const start = async (leaders: number[]): Promise<void> => {
  cluster = await StubCluster.start({ leaders });
};
const plainProducer = async (change: ProducerConfig = {}): Promise<Producer> => {
  const kafka = new Kafka({ brokers: cluster.brokers, logLevel: logLevel.NOTHING });
  plain = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, retry: { initialRetryTime: 20, retries: 3 }, ...change });
  await plain.connect();
  return plain;
};
const ourSender = (): KafkaSender => (sender = new KafkaSender({ connection: { brokers: cluster.brokers } }));
const record = (value: string): KafkaRecord => ({ key: 'source', value: Buffer.from(value), timestamp: 1_700_000_000_000 });
const notLeader = ({ topic, partition }: ProducedPart): AnsweredPart => ({ topic, partition, errorCode: ERROR.notLeader, baseOffset: -1 });
const missing = (acknowledged: readonly string[], partitions: number): string[] => {
  const written = new Set(Array.from({ length: partitions }, (_, partition) => cluster.values(partition)).flat());
  return acknowledged.filter((value) => !written.has(value));
};

describe('H1: the leader moves to a broker that has answered already', () => {
  const scenario = async (): Promise<void> => {
    await start([1, 2]);
    cluster.onProduce = ({ node, parts }, append) => {
      if (node === 1) return parts.map(append);
      cluster.leaders = [1, 1];
      return parts.map(notLeader);
    };
  };

  it('plain: the send resolves, and one of its messages was never sent again', async () => {
    await scenario();
    const producer = await plainProducer();
    const response = await producer.send({
      topic: 't',
      messages: [
        { partition: 0, value: 'zero' },
        { partition: 1, value: 'one' },
      ],
    });
    expect(response.map(({ partition }) => partition)).toEqual([0]);
    expect(missing(['zero', 'one'], 2)).toEqual(['one']);
  });

  it('ours: each partition by itself, and there when it resolves', async () => {
    await scenario();
    const ours = ourSender();
    await Promise.all([ours.send('t', 0, [record('zero')]), ours.send('t', 1, [record('one')])]);
    expect(missing(['zero', 'one'], 2)).toEqual([]);
  });
});

describe('H2: a broker is not the leader for a moment, and messages have no partition of their own', () => {
  const scenario = async (): Promise<void> => {
    await start([1, 2, 1, 2]);
    let asked = 0;
    cluster.onProduce = ({ node, parts }, append) => {
      asked += node === 2 ? 1 : 0;
      return parts.map(node === 2 && asked % 2 === 1 ? notLeader : append);
    };
  };
  const values = (send: number): string[] => Array.from({ length: 7 }, (_, index) => `${send}-${index}`);

  it('plain: every send resolves, messages are lost and doubled', async () => {
    await scenario();
    const producer = await plainProducer();
    const acknowledged: string[] = [];
    for (let send = 0; send < 10; send += 1) {
      await producer.send({ topic: 't', messages: values(send).map((value) => ({ value })) });
      acknowledged.push(...values(send));
    }
    expect(missing(acknowledged, 4).length).toBeGreaterThan(0);
  });

  it('ours: nothing is lost', async () => {
    await scenario();
    const ours = ourSender();
    const acknowledged: string[] = [];
    for (let send = 0; send < 10; send += 1) {
      await ours.send('t', send % 4, values(send).map(record));
      acknowledged.push(...values(send));
    }
    expect(missing(acknowledged, 4)).toEqual([]);
  });
});

describe('H3: the connection is lost after the append, with sends waiting behind it', () => {
  const scenario = async (): Promise<void> => {
    await start([1]);
    let first = true;
    cluster.onProduce = ({ parts }, append) => {
      const answers = parts.map(append);
      if (!first) return answers;
      first = false;
      return null;
    };
  };
  const names = ['a', 'b', 'c'];

  it('plain, idempotent: all resolve, one took the sequence of another and was never written', async () => {
    await scenario();
    const producer = await plainProducer({ idempotent: true, maxInFlightRequests: 1 });
    await Promise.all(names.map((value) => producer.send({ topic: 't', messages: [{ partition: 0, value }] })));
    expect(missing(names, 1)).toHaveLength(1);
  });

  it('ours: all are there; what was sent again is doubled, which the ledger drops', async () => {
    await scenario();
    const ours = ourSender();
    await Promise.all(names.map((value) => ours.send('t', 0, [record(value)])));
    expect(missing(names, 1)).toEqual([]);
    expect(cluster.values().toSorted()).toEqual(['a', 'a', 'b', 'c']);
  });
});

describe('H4: a send is rejected after the append, and the next one is another', () => {
  const scenario = async (cuts: number): Promise<void> => {
    await start([1]);
    let left = cuts;
    cluster.onProduce = ({ parts }, append) => {
      const answers = parts.map(append);
      left -= 1;
      return left >= 0 ? null : answers;
    };
  };

  it('plain, idempotent: the next is acknowledged as a repetition of the one before, and not written', async () => {
    await scenario(2);
    const producer = await plainProducer({ idempotent: true, maxInFlightRequests: 1, retry: { initialRetryTime: 20, retries: 1 } });
    const send = (value: string) => producer.send({ topic: 't', messages: [{ partition: 0, value }] });
    await expect(send('a')).rejects.toThrow();
    await send('b');
    expect(missing(['b'], 1)).toEqual(['b']);
  });

  it('ours: rejected after its attempts, and the next is there when it resolves', async () => {
    await scenario(4);
    const ours = ourSender();
    await expect(ours.send('t', 0, [record('a')])).rejects.toMatchObject({ code: 'event_log_failed' });
    await ours.send('t', 0, [record('b')]);
    expect(missing(['b'], 1)).toEqual([]);
  });
});
