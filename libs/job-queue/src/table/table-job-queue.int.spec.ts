import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCatalogue } from '#catalogue';
import { createLogger } from '#observability';
import { TableJobQueue } from './table-job-queue.js';

const logger = createLogger('test', { level: 'silent' });
let directory: string;
let source: DataSource;
let now = 1_000;

const open = (): TableJobQueue => new TableJobQueue(source, { nowMs: () => now, logger, pollMs: 5, leaseMs: 1_000, attempts: 2 });

const state = async (key: string): Promise<string | undefined> =>
  ((await source.query('SELECT state FROM job WHERE key = $1', [key])) as { state: string }[])[0]?.state;

const until = async (check: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await check())) await new Promise((resolve) => setImmediate(resolve));
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'affiant-jobs-'));
  source = await openCatalogue({ directory: join(directory, 'data') });
});

beforeEach(() => source.query('DELETE FROM job'));

afterAll(async () => {
  await source.destroy();
  await rm(directory, { recursive: true, force: true });
});

describe('TableJobQueue', () => {
  it('runs a job once, however often it was put in', async () => {
    const queue = open();
    const ran: object[] = [];
    await Promise.all([1, 2, 3].map(() => queue.enqueue('packet', { id: 7 }, { key: 'once' })));
    queue.work('packet', async (payload) => void ran.push(payload));
    await until(async () => (await state('once')) === 'done');
    await queue.close();
    expect(ran).toEqual([{ id: 7 }]);
  });

  it('tries again after a failure, and keeps a job that fails for good', async () => {
    const queue = open();
    const attempts: number[] = [];
    await queue.enqueue('packet', {}, { key: 'bad' });
    queue.work('packet', async (_payload, { attempt }) => {
      attempts.push(attempt);
      now += 60_000;
      throw new Error('no');
    });
    await until(async () => {
      now += 60_000;
      return (await state('bad')) === 'failed';
    });
    await queue.close();
    expect(attempts).toEqual([1, 2]);
  });

  it('gives a job whose worker died to the next one when the lease ends', async () => {
    await open().enqueue('packet', {}, { key: 'orphan' });
    await source.query(`UPDATE job SET attempts = 1, leased_until = $1 WHERE key = 'orphan'`, [now + 500]);
    now += 501;
    const queue = open();
    queue.work('packet', async () => undefined);
    await until(async () => (await state('orphan')) === 'done');
    await queue.close();
  });
});
