import { describe, expect, it } from 'vitest';
import { EventCodec, SYSTEM_CONTEXT, TOPICS, type EventDraft, type Topic } from '#events';
import { LogTail, type TailedRecord } from './log-tail.js';
import type { EventLogTail, LogRecord } from './port.js';

const codec = new EventCodec();

/** Control events in the partitions of two topics, named as Kafka names them. */
function logOf(partitions: Readonly<Record<string, number>>): EventLogTail & { append(partition: string): void } {
  const records = new Map<string, LogRecord[]>();
  const append = (partition: string): void => {
    const some = records.get(partition) ?? [];
    records.set(partition, some);
    const topic = partition.split('/')[0] as Topic;
    some.push({ topic, partition, offset: some.length, value: control(some.length) });
  };
  for (const [partition, count] of Object.entries(partitions)) for (let at = 0; at < count; at += 1) append(partition);
  return {
    append,
    partitions: async () => [...records].map(([partition, some]) => ({ partition, firstOffset: 0, nextOffset: some.length })),
    read: async (partition, from, limit) => (records.get(partition) ?? []).slice(from, from + limit),
    consumed: async () => new Map(),
  };
}

function control(seq: number): Buffer {
  const envelope = {
    event_id: '01a21400-0000-7000-8000-000000000000',
    source_id: 'a',
    boot_epoch: 1,
    seq,
    prev_hash: Buffer.alloc(32),
    occurred_at: 0,
    clock_offset_us: 0,
    build: 'test',
    ...SYSTEM_CONTEXT,
  };
  const event = { kind: 'test', outcome: 'success', subject: null, attributes: [], detail: null } satisfies Extract<
    EventDraft,
    { type: 'control' }
  >['event'];
  return codec.encode('control', { ...event, envelope });
}

async function readAll(log: EventLogTail, from: string | null, topic: Topic | null = null): Promise<TailedRecord[]> {
  const found: TailedRecord[] = [];
  for await (const event of new LogTail(log).read({ topic, from, follow: false, signal: new AbortController().signal })) found.push(event);
  return found;
}

describe('LogTail over topics and partitions', () => {
  it('goes on behind any cursor, and misses and repeats nothing', async () => {
    const log = logOf({ [`${TOPICS.request}/0`]: 3, [`${TOPICS.request}/11`]: 2, [`${TOPICS.control}/0`]: 250 });
    const all = await readAll(log, null);
    expect(all).toHaveLength(255);
    for (const at of [0, 2, 4, 100, 254]) expect(await readAll(log, all[at]?.cursor as string)).toHaveLength(254 - at);
    log.append(`${TOPICS.control}/0`);
    expect(await readAll(log, all.at(-1)?.cursor as string)).toHaveLength(1);
  });

  it('reads one topic alone when asked to', async () => {
    const log = logOf({ [`${TOPICS.request}/0`]: 3, [`${TOPICS.control}/0`]: 2 });
    expect((await readAll(log, null, TOPICS.control)).map(({ topic }) => topic)).toEqual([TOPICS.control, TOPICS.control]);
  });

  it('keeps a cursor of many partitions short enough for a query string', async () => {
    const topics = Object.values(TOPICS);
    const log = logOf(Object.fromEntries(Array.from({ length: 72 }, (_, at) => [`${topics[at % 6]}/${Math.floor(at / 6)}`, 1])));
    expect((await readAll(log, null)).at(-1)?.cursor.length).toBeLessThan(800);
  });

  it.each(['x', 'a:b', '9/1:3', '1/1:2:3', '../x:1', 'a:1;'])('refuses %s', async (cursor) => {
    await expect(readAll(logOf({}), cursor)).rejects.toMatchObject({ code: 'usage_invalid' });
  });
});
