import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { EventCodec, loadSchemas, TOPICS } from '#events';
import type { OcsfRecord } from '#ocsf';
import type { Logger } from '#observability';
import { otherVersion } from '../../../../test/support/schema-versions.mjs';
import { MemoryEventLog } from '../testing/memory-event-log.js';
import { MemoryRecorder } from '../testing/memory-recorder.js';
import { startFeed, type Feed } from './start-feed.js';
import type { RecordSink } from './ports.js';
import { controlEvent } from './testing.fixture.js';

const codec = new EventCodec();
const silent = (): void => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: silent, fatal: silent } as unknown as Logger;

class ScriptedSink implements RecordSink {
  readonly records: OcsfRecord[] = [];
  /** `after` fails once it has taken everything: the feed cannot know. */
  mode: 'takes' | 'refuses' | 'after' | 'hangs' = 'takes';
  calls = 0;

  constructor(readonly name: string) {}

  async deliver(records: readonly OcsfRecord[]): Promise<void> {
    this.calls += 1;
    if (this.mode === 'hangs') return new Promise(() => undefined);
    if (this.mode === 'refuses') throw new AffiantError('siem_failed', 'away');
    this.records.push(...records);
    if (this.mode === 'after') {
      this.mode = 'takes';
      throw new AffiantError('siem_failed', 'the answer was lost');
    }
  }

  async close(): Promise<void> {}

  get seqs(): number[] {
    return this.records.map(({ seq }) => seq);
  }
}

let log: MemoryEventLog;
let recorder: MemoryRecorder;
let feeds: Feed[];

beforeEach(() => {
  log = new MemoryEventLog();
  recorder = new MemoryRecorder(log, codec, 'ledger');
  feeds = [];
});
afterEach(async () => {
  await Promise.all(feeds.map((feed) => feed.stop()));
});

function append(partition: string, ...seqs: number[]): void {
  for (const seq of seqs) {
    log.append(partition, TOPICS.control, codec.encode('control', controlEvent(seq).event));
  }
}

const start = (...sinks: RecordSink[]): Promise<Feed> => startWith(codec, ...sinks);

async function startWith(reads: EventCodec, ...sinks: RecordSink[]): Promise<Feed> {
  const retry = { attempts: 1_000_000, firstMs: 1, maxMs: 1 };
  const feed = await startFeed({
    eventLog: log,
    codec: reads,
    origin: 'test/ledger',
    sinks,
    recorder,
    logger,
    options: { maxBatchRecords: 3, retry },
  });
  feeds.push(feed);
  return feed;
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`timed out: ${what.toString()}`);
    await delay(2);
  }
}

describe('the SIEM feed', () => {
  it('delivers every event once and in order, and goes on after a restart where it was', async () => {
    const sink = new ScriptedSink('a');
    append('gateway', 1, 2, 3, 4, 5, 6, 7);
    const first = await start(sink);
    await until(async () => (await first.health())[0]?.lag === 0);
    await first.stop();
    append('gateway', 8, 9);
    await start(sink);
    await until(() => sink.seqs.length === 9);
    expect(sink.seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('delivers what other releases wrote: an earlier one at once, a later one when it is upgraded and the event is sent again', async () => {
    const older = otherVersion(loadSchemas(), { firstId: 901, without: ['detail', 'connection'] });
    const newer = otherVersion(loadSchemas(), {
      firstId: 801,
      withFields: { Control: [{ name: 'region', type: ['null', 'string'], default: null }] },
    });
    const of = (schemas: typeof newer, seq: number): Buffer => new EventCodec(schemas, []).encode('control', controlEvent(seq).event);
    // One partition of a broker: the event of the later release lies between others, and comes again.
    const place = 'affiant.control.v1/0';
    log.append(place, TOPICS.control, of(older, 1));
    log.append(place, TOPICS.control, of(newer, 2));
    append(place, 3);
    const before = new ScriptedSink('a');
    const feed = await startWith(new EventCodec(loadSchemas(), older), before);
    await until(async () => (await feed.health())[0]?.lag === 0);
    await feed.stop();
    expect(before.seqs).toEqual([1, 3]);
    log.append(place, TOPICS.control, of(newer, 2));
    const after = new ScriptedSink('a');
    const upgraded = await startWith(new EventCodec(newer, [...older, ...loadSchemas()]), after);
    await until(async () => (await upgraded.health())[0]?.lag === 0);
    expect(after.seqs).toEqual([2]);
    // The same record as if a writer of today had written it, but for the digest of its bytes.
    const [record] = before.records;
    expect(record?.event).toMatchObject({ metadata: { sequence: 1, log_name: TOPICS.control } });
  });

  it('a sink that is away lags, says so, and holds up no other', async () => {
    const away = new ScriptedSink('away');
    const well = new ScriptedSink('well');
    away.mode = 'refuses';
    append('gateway', 1, 2, 3, 4);
    const feed = await start(away, well);
    await until(() => well.seqs.length === 4 && away.calls > 2);
    expect(await feed.health()).toEqual([
      { sink: 'away', lag: 4, delivered: 0, failing: 'away' },
      { sink: 'well', lag: 0, delivered: 4, failing: null },
    ]);
    away.mode = 'takes';
    await until(async () => (await feed.health())[0]?.lag === 0);
    expect(away.seqs).toEqual([1, 2, 3, 4]);
    expect((await feed.health())[0]?.failing).toBeNull();
  });

  it('what a lost answer doubles is the same to the byte, under the same uid', async () => {
    const sink = new ScriptedSink('a');
    sink.mode = 'after';
    append('gateway', 1, 2);
    const feed = await start(sink);
    await until(async () => (await feed.health())[0]?.lag === 0);
    expect(sink.seqs).toEqual([1, 2, 1, 2]);
    expect(new Set(sink.records.map(({ uid, json }) => `${uid} ${json}`)).size).toBe(2);
  });

  it('stops at once while a sink does not answer, and commits nothing of it', async () => {
    const sink = new ScriptedSink('a');
    sink.mode = 'hangs';
    append('gateway', 1, 2);
    const feed = await start(sink);
    await until(() => sink.calls === 1);
    await feed.stop();
    sink.mode = 'takes';
    await start(sink);
    await until(() => sink.seqs.length === 2);
    expect(sink.seqs).toEqual([1, 2]);
  });

  it('drops what Kafka holds twice, also over a restart, but not what was missing until now', async () => {
    const sink = new ScriptedSink('ocsf');
    append('affiant.control.v1/0', 1, 2, 4, 4, 5, 2);
    const first = await start(sink);
    await until(async () => (await first.health())[0]?.lag === 0);
    await first.stop();
    append('affiant.control.v1/0', 1, 3, 5, 6, 3);
    const second = await start(sink);
    await until(async () => (await second.health())[0]?.lag === 0);
    expect(sink.seqs).toEqual([1, 2, 4, 5, 3, 6]);
  });

  it('leaves what cannot be decoded to the dead-letter event and goes on', async () => {
    const sink = new ScriptedSink('a');
    append('gateway', 1);
    log.append('gateway', 'affiant.control.v1', Buffer.from('nonsense'));
    append('gateway', 3);
    const feed = await start(sink);
    await until(async () => (await feed.health())[0]?.lag === 0);
    expect(sink.seqs).toEqual([1, 3]);
  });

  it('records that events were deleted before the sink had them, once', async () => {
    const sink = new ScriptedSink('a');
    append('gateway', 1, 2, 3, 4, 5);
    await log.commit('siem.a', 'gateway', 2);
    // What a log does with whenTrimmed: skip.
    const subscribe = log.subscribe.bind(log);
    log.subscribe = (options, onBatch) =>
      subscribe(options, (batch) =>
        onBatch(
          batch.partition === 'gateway' && batch.firstOffset === 2
            ? { ...batch, firstOffset: 4, records: batch.records.filter(({ offset }) => offset >= 4) }
            : batch,
        ),
      );
    await start(sink);
    await until(() => sink.records.some(({ sourceId }) => sourceId === 'ledger'));
    const told = sink.records.filter(({ event }) => event.metadata['event_code'] === 'control.siem.gap');
    expect(told).toHaveLength(1);
    expect(told[0]?.event).toMatchObject({
      status: 'Failure',
      unmapped: { affiant: { subject: 'a', attributes: [{ value: 'a' }, { value: 'gateway' }, { value: '2' }, { value: '3' }] } },
    });
    expect(sink.records.filter(({ sourceId }) => sourceId === 'gateway').map(({ seq }) => seq)).toEqual([4, 5]);
  });
});
