import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isAffiantError } from '#errors';
import { createLogger, type Logger } from '#observability';
import { hasRedis, startRedis, type TestRedis } from '../../../../test/support/engines/redis.mjs';
import type { JobQueue } from '../port.js';
import { BullJobQueue } from './bull-job-queue.js';
import { BullJobQueueModule, JOB_QUEUE } from './bull-job-queue.module.js';

const logger = createLogger('test', { level: 'silent' });

describe.skipIf(!hasRedis())('BullJobQueue when Redis is killed', { timeout: 120_000 }, () => {
  let redis: TestRedis;
  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis?.stop());

  const open = (): Promise<BullJobQueue> => BullJobQueue.connect({ url: redis.url, logger, attempts: 20, backoffMs: 20, lockMs: 900 });

  it('keeps every acknowledged job and ends each, some of them twice', async () => {
    const [front, ...workers] = await Promise.all([open(), open(), open()]);
    const runs = new Map<string, number>();
    for (const worker of workers) {
      worker.work('count', async (_payload, { key }) => {
        runs.set(key, (runs.get(key) ?? 0) + 1);
        await delay(15);
      });
    }
    const acknowledged = new Set<string>();
    const codes = new Map<string, number>();
    const over = new AbortController();
    const adding = (async () => {
      for (let serial = 0; !over.signal.aborted; serial += 1) {
        const key = `k${serial}`;
        try {
          await front!.enqueue('count', { serial }, { key });
          acknowledged.add(key);
        } catch (error) {
          const code = isAffiantError(error) ? error.code : String(error);
          codes.set(code, (codes.get(code) ?? 0) + 1);
        }
        await delay(5);
      }
    })();
    for (let kill = 0; kill < 3; kill += 1) {
      const before = acknowledged.size;
      await vi.waitUntil(() => acknowledged.size > before + 25, { timeout: 30_000, interval: 5 });
      await redis.kill();
      await delay(300);
      await redis.start();
    }
    const last = acknowledged.size;
    await vi.waitUntil(() => acknowledged.size > last + 10, { timeout: 30_000, interval: 5 });
    over.abort();
    await adding;
    for (const key of acknowledged) {
      await vi.waitUntil(async () => (await front!.status('count', key)) === 'done', { timeout: 60_000, interval: 50 });
    }
    expect([...acknowledged].filter((key) => !runs.has(key))).toEqual([]);
    expect([...codes.keys()].filter((code) => code !== 'job_queue_failed')).toEqual([]);
    const twice = [...runs.values()].filter((count) => count > 1).length;
    const refused = codes.get('job_queue_failed') ?? 0;
    console.log(`3 kills of Redis: ${acknowledged.size} acknowledged, all ran, ${twice} of them more than once, ${refused} refused`);
    await Promise.all([front, ...workers].map((queue) => queue!.close()));
  });

  it('runs a job in work once more after a kill, though its handler came to its end', async () => {
    const queue = await open();
    const ran: number[] = [];
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    queue.work('once-more', async (_payload, { attempt }) => {
      ran.push(attempt);
      if (ran.length === 1) await gate;
    });
    await queue.enqueue('once-more', {}, { key: 'k' });
    await vi.waitUntil(() => ran.length === 1, { timeout: 10_000, interval: 5 });
    await redis.kill();
    await delay(1_200);
    go();
    await redis.start();
    await vi.waitUntil(async () => (await queue.status('once-more', 'k').catch(() => null)) === 'done', { timeout: 30_000, interval: 20 });
    console.log(`a job in work at the kill ran ${ran.length} times`);
    expect(ran.length).toBeGreaterThanOrEqual(1);
    await queue.close();
  });

  it('refuses at once while Redis is away, serves a worker that began without it, and closes without it', async () => {
    const [queue, closing] = await Promise.all([open(), open()]);
    await queue.enqueue('away', {}, { key: 'before' });
    await redis.kill();
    const started = performance.now();
    await expect(queue.enqueue('away', {}, { key: 'lost' })).rejects.toMatchObject({ code: 'job_queue_failed', status: 503 });
    await expect(queue.status('away', 'before')).rejects.toMatchObject({ code: 'job_queue_failed' });
    expect(performance.now() - started).toBeLessThan(6_000);
    const late = await open();
    const ran: string[] = [];
    late.work('away', async (_payload, { key }) => void ran.push(key));
    closing.work('away-too', async () => undefined);
    await closing.close();
    await redis.start();
    await vi.waitUntil(() => ran.includes('before'), { timeout: 30_000, interval: 20 });
    await vi.waitUntil(async () => (await queue.enqueue('away', {}, { key: 'after' }).catch(() => 'no')) !== 'no', { timeout: 10_000 });
    await vi.waitUntil(() => ran.includes('after'), { timeout: 30_000, interval: 20 });
    await Promise.all([queue, late].map((one) => one.close()));
  });

  it('says what would let Redis lose acknowledged jobs', async () => {
    const warned: string[] = [];
    const loud = { ...logger, warn: ({ setting }: { setting?: string }) => void (setting && warned.push(setting)) } as unknown as Logger;
    const careless = await startRedis({ settings: { appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' } });
    const halfway = await startRedis({ settings: { appendfsync: 'everysec' } });
    for (const [url, count] of [
      [redis.url, 0],
      [careless.url, 2],
      [halfway.url, 1],
    ] as const) {
      const queue = await BullJobQueue.connect({ url, logger: loud });
      await queue.enqueue('warn', {}, { key: 'k' });
      await vi.waitUntil(() => warned.length >= count, { timeout: 5_000, interval: 10 });
      await delay(50);
      expect(warned.splice(0)).toHaveLength(count);
      await queue.close();
    }
    await Promise.all([careless.stop(), halfway.stop()]);
  });

  it('is a provider of a Nest application', async () => {
    const module = await BullJobQueueModule.register({ url: redis.url, names: ['nest.a', 'nest.b'], logger });
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    const jobs = app.get<JobQueue>(JOB_QUEUE);
    const ran: object[] = [];
    jobs.work('nest.b', async (payload) => void ran.push(payload));
    await jobs.enqueue('nest.b', { id: 3 }, { key: 'k' });
    await vi.waitUntil(() => ran.length === 1, { timeout: 10_000, interval: 10 });
    await expect(jobs.enqueue('nest.unknown', {}, { key: 'k' })).rejects.toMatchObject({ code: 'internal' });
    await app.close();
    expect(ran).toEqual([{ id: 3 }]);
  });
});
