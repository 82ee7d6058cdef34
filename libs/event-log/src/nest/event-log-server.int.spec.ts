import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import { Controller, Inject, Module, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { EMPTY, of, throwError } from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { ALL_TOPICS, TOPICS } from '#events';
import { createWatermarks, openJournal, type FileJournal } from '#journal';
import { EmbeddedEventLog } from '../embedded-event-log.js';
import type { LogBatch } from '../port.js';
import { EventLogServer } from './event-log-server.js';
import { EventLogContext, LogConsumer } from './log-consumer.js';

const SEEN = Symbol('seen');
interface Seen {
  texts: string[];
  fail: (() => unknown) | null;
  wake: () => void;
}

const textsOf = (batch: LogBatch): string[] => batch.records.map((record) => record.value.toString());
const quick = { retry: { attempts: 2, firstMs: 1, maxMs: 1 } };
const others = ALL_TOPICS.filter((topic) => topic !== TOPICS.control);

@Controller()
class Consumers {
  constructor(@Inject(SEEN) private readonly seen: Seen) {}

  @LogConsumer({ group: 'plain', topics: [TOPICS.control], ignores: others, ...quick })
  async plain(@Payload() batch: LogBatch, @Ctx() context: EventLogContext): Promise<unknown> {
    if (this.seen.fail !== null) return this.seen.fail();
    this.seen.texts.push(...textsOf(batch).map((text) => `${context.group}:${text}`));
    this.seen.wake();
    return undefined;
  }
}

@Controller()
class Committing {
  constructor(@Inject(SEEN) private readonly seen: Seen) {}

  @LogConsumer({ group: 'own', topics: ALL_TOPICS, commits: 'by-handler', maxBatchRecords: 2 })
  async own(@Payload() batch: LogBatch, @Ctx() context: EventLogContext): Promise<void> {
    await context.commit(batch.firstOffset, `intent to ${batch.lastOffset}`);
    this.seen.texts.push(...textsOf(batch));
    if (batch.lastOffset < 4) await context.commit(batch.lastOffset + 1);
    this.seen.wake();
  }
}

@Controller()
class Forgetful {
  @LogConsumer({ group: 'forgetful', topics: [TOPICS.request] })
  take(): void {}
}

@Controller()
class Unmarked {
  @EventPattern('unmarked')
  take(_batch: object): void {}
}

@Controller()
class Doubled {
  @LogConsumer({ group: 'doubled', topics: ALL_TOPICS })
  one(): void {}

  @LogConsumer({ group: 'doubled', topics: ALL_TOPICS })
  two(): void {}
}

let directory: string;
let journal: FileJournal;
let log: EmbeddedEventLog;
let app: INestMicroservice | null;
let failures: [string, unknown][];
let seen: Seen;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'server-'));
  const key = randomBytes(32);
  const watermarks = createWatermarks(['a']);
  const journalDirectory = join(directory, 'journal');
  ({ journal } = await openJournal({
    directory: join(journalDirectory, 'a'),
    sourceId: 'a',
    key,
    segmentBytes: 1 << 20,
    highWaterBytes: 8 << 20,
    watermarks,
  }));
  log = new EmbeddedEventLog({ journalDirectory, groupsDirectory: join(directory, 'groups'), key, watermarks });
  failures = [];
  seen = { texts: [], fail: null, wake: () => {} };
  app = null;
});

afterEach(async () => {
  await app?.close();
  await log.close();
  await journal.close();
  await rm(directory, { recursive: true, force: true });
});

const produce = (texts: string[], topic: (typeof ALL_TOPICS)[number] = TOPICS.control): Promise<void> =>
  journal.append(texts.map((text) => ({ topic: ALL_TOPICS.indexOf(topic), payload: Buffer.from(text) })));

let failed: Promise<void>;
const start = async (controller: Type): Promise<void> => {
  @Module({ controllers: [controller], providers: [{ provide: SEEN, useValue: seen }] })
  class App {}
  let told = (): void => {};
  failed = new Promise((resolve) => (told = resolve));
  const onFailure = (group: string, error: unknown): void => {
    failures.push([group, error]);
    told();
  };
  app = await NestFactory.createMicroservice(App, { strategy: new EventLogServer({ eventLog: log, onFailure }), logger: false });
  await app.listen();
};

const until = async (count: number): Promise<void> => {
  while (seen.texts.length < count) await new Promise<void>((resolve) => (seen.wake = resolve));
};

it('gives whole batches to the consumer and commits after the effect', async () => {
  await produce(['1', '2', '3']);
  await produce(['x'], TOPICS.request);
  await start(Consumers);
  await until(3);
  await produce(['4']);
  await until(4);
  expect(seen.texts).toEqual(['plain:1', 'plain:2', 'plain:3', 'plain:4']);
  await app?.close();
  app = null;
  expect((await log.committed('plain')).get('a')).toEqual({ offset: 6, metadata: null });
});

it('leaves the commits to a handler that asks for it', async () => {
  await produce(['1', '2', '3', '4']);
  await start(Committing);
  await until(4);
  expect((await log.committed('own')).get('a')).toEqual({ offset: 3, metadata: 'intent to 4' });
});

const error = new AffiantError('ledger_conflict', 'forked');
it.each([
  ['throws', () => Promise.reject(error)],
  ['returns a stream that fails', () => throwError(() => error)],
])('reports a consumer that %s, with the error itself, and commits nothing', async (_case, fail) => {
  seen.fail = fail;
  await start(Consumers);
  await produce(['1']);
  await failed;
  expect(failures).toEqual([['plain', error]]);
  expect(await log.committed('plain')).toEqual(new Map());
});

it('retries what may pass, and waits for a stream to end before it commits', async () => {
  let calls = 0;
  seen.fail = () => {
    calls += 1;
    if (calls === 1) return Promise.reject(new AffiantError('engine_failed', 'down'));
    seen.texts.push('done');
    seen.wake();
    return calls === 2 ? of(1, 2) : EMPTY;
  };
  await start(Consumers);
  await produce(['1']);
  await until(1);
  await app?.close();
  app = null;
  expect(calls).toBe(2);
  expect((await log.committed('plain')).get('a')?.offset).toBe(2);
  expect(failures).toEqual([]);
});

it.each([
  ['forgets a topic', Forgetful],
  ['is not marked as consumer', Unmarked],
  ['shares a group', Doubled],
])('does not start when a handler %s', async (_case, controller) => {
  await expect(start(controller)).rejects.toMatchObject({ code: 'usage_invalid' });
});
