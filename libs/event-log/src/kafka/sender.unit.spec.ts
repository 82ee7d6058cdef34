import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { partitionOf, parsePartition } from './partition-of.js';
import { KafkaSender, type KafkaRecord } from './sender.js';
import { ERROR, StubCluster, type AnsweredPart } from './testing/stub-cluster.fixture.js';

let cluster: StubCluster;
let sender: KafkaSender;
beforeEach(async () => {
  cluster = await StubCluster.start({ leaders: [1, 2] });
  sender = new KafkaSender({ connection: { brokers: cluster.brokers } });
});
afterEach(async () => {
  await sender.close();
  await cluster.stop();
});

const record = (value: string, headers?: KafkaRecord['headers']): KafkaRecord => ({
  key: 'source',
  value: Buffer.from(value),
  timestamp: 1_700_000_000_000,
  headers,
});
const many = (count: number, bytes = 10): KafkaRecord[] =>
  Array.from({ length: count }, (_, index) => record(`${index}`.padEnd(bytes, 'x')));

describe('what is sent', () => {
  it('is the exact record, with the time of the event, acknowledged by all replicas', async () => {
    expect(await sender.send('t', 1, [record('one', { schema: 'x' }), record('two')])).toEqual([{ firstOffset: 0, records: 2 }]);
    expect(cluster.requests).toMatchObject([{ node: 2, acks: -1, parts: [{ topic: 't', partition: 1, producerId: -1 }] }]);
    expect(cluster.logs.get('t/1')).toEqual([
      { key: 'source', value: 'one', timestamp: 1_700_000_000_000, headers: { schema: 'x' } },
      { key: 'source', value: 'two', timestamp: 1_700_000_000_000, headers: {} },
    ]);
  });

  it('is cut into requests of 500 records or 1 MB, in order', async () => {
    const sent = await sender.send('t', 0, many(1_201));
    expect(sent.map(({ records }) => records)).toEqual([500, 500, 201]);
    await sender.send('t', 1, [record('s'), record('x'.repeat(1_500_000)), ...many(3, 400_000)]);
    expect(cluster.requests.filter(({ node }) => node === 2).map(({ parts }) => parts[0]?.records.length)).toEqual([1, 1, 2, 1]);
    expect(cluster.values(0)).toEqual(many(1_201).map(({ value }) => value.toString()));
  });

  it('goes one request at a time for a topic-partition, and beside each other for two', async () => {
    let most = 0;
    const open = new Map<number, number>();
    let release = (): void => {};
    const both = new Promise<void>((resolve) => (release = resolve));
    cluster.onProduce = async ({ node, parts }, append) => {
      open.set(node, (open.get(node) ?? 0) + 1);
      if (open.size === 2) release();
      await both;
      most = Math.max(most, open.get(node) ?? 0);
      open.set(node, (open.get(node) ?? 1) - 1);
      return parts.map(append);
    };
    await Promise.all([0, 0, 0, 1, 1].map((partition, index) => sender.send('t', partition, [record(`${index}`)])));
    expect(most).toBe(1);
    expect([cluster.values(0), cluster.values(1)]).toEqual([
      ['0', '1', '2'],
      ['3', '4'],
    ]);
  });
});

describe('what is no acknowledgement', () => {
  const of = (change: Partial<AnsweredPart>): AnsweredPart => ({ topic: 't', partition: 0, errorCode: 0, baseOffset: 0, ...change });
  it.each([
    ['an answer without any partition', []],
    ['an answer for another partition', [of({ partition: 1 })]],
    ['an answer for another topic', [of({ topic: 'u' })]],
    ['an answer for more than was asked', [of({}), of({ partition: 1 })]],
    ['an answer without an offset', [of({ baseOffset: -1 })]],
  ])('%s', async (_case, answer) => {
    cluster.onProduce = () => answer;
    await expect(sender.send('t', 0, [record('a')])).rejects.toMatchObject({ code: 'event_log_failed' });
    cluster.onProduce = ({ parts }, append) => parts.map(append);
    expect(await sender.send('t', 0, [record('a')])).toEqual([{ firstOffset: 0, records: 1 }]);
  });

  it('a partition that is not there', async () => {
    await expect(sender.send('t', 7, [record('a')])).rejects.toMatchObject({ code: 'event_log_failed' });
  });
});

describe('what is refused', () => {
  it('a record larger than the topic takes, before it is sent or by the broker, for good', async () => {
    const small = new KafkaSender({ connection: { brokers: cluster.brokers }, maxMessageBytes: 1_000 });
    await expect(small.send('t', 0, [record('a'), record('x'.repeat(1_000))])).rejects.toMatchObject({ code: 'event_invalid' });
    expect(cluster.requests).toEqual([]);
    cluster.onProduce = ({ parts }) =>
      parts.map(({ topic, partition }) => ({ topic, partition, errorCode: ERROR.messageTooLarge, baseOffset: -1 }));
    await expect(small.send('t', 0, [record('a')])).rejects.toMatchObject({
      code: 'event_invalid',
      remedy: expect.stringContaining('topics apply'),
    });
    await small.close();
  });

  it('more calls than may wait, and calls after the end', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    cluster.onProduce = async ({ parts }, append) => {
      await held;
      return parts.map(append);
    };
    const waiting = Array.from({ length: 16 }, () => sender.send('t', 0, [record('a')]));
    await expect(sender.send('t', 0, [record('a')])).rejects.toMatchObject({ code: 'overloaded' });
    release();
    await Promise.all(waiting);
    await sender.close();
    await expect(sender.send('t', 0, [record('a')])).rejects.toMatchObject({ code: 'event_log_failed' });
  });
});

describe('partitionOf', () => {
  it('never changes: events of a source stay in order', () => {
    expect(['proxy-1', 'proxy-2', 'ledger-a', 'é'].map((source) => partitionOf(source, 12))).toEqual([9, 8, 10, 7]);
  });

  it('spreads sources', () => {
    const counts = Array.from({ length: 12 }, () => 0);
    for (let index = 0; index < 12_000; index += 1) {
      const partition = partitionOf(`source-${index}`, 12);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
  });

  it('names partitions so that they can be told from anything else', () => {
    expect(parsePartition('affiant.request.v1/11')).toEqual({ topic: 'affiant.request.v1', partition: 11 });
    for (const name of ['source', 'a/b/1', 'a/01', 'a/-1', 'a/', '/1']) expect(parsePartition(name)).toBe(null);
  });
});
