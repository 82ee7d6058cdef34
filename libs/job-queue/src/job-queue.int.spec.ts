import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { openCatalogue } from '#catalogue';
import { createLogger } from '#observability';
import { bundleEntry } from '../../../test/support/bundle-entry.js';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../test/support/engines/postgres.mjs';
import { hasRedis, startRedis, type TestRedis } from '../../../test/support/engines/redis.mjs';
import { BullJobQueue } from './bull/bull-job-queue.js';
import { jobQueueContract, type JobQueueWorld } from './contract/job-queue.contract.js';
import { TableJobQueue } from './table/table-job-queue.js';
import { beginAndKill } from './testing/kill-worker.fixture.js';

const logger = createLogger('test', { level: 'silent' });
const LEASE_MS = 800;
let script: string;

beforeAll(async () => {
  script = await bundleEntry(fileURLToPath(new URL('./testing/worker-child.fixture.ts', import.meta.url)), 'worker-child');
});
afterAll(() => rm(script, { force: true }));

const tableWorld = (source: DataSource): Pick<JobQueueWorld, 'open'> => ({
  open: async (limits) => new TableJobQueue(source, { ...limits, nowMs: Date.now, logger, pollMs: 5, leaseMs: LEASE_MS }),
});

describe('jobs in a table of PGlite', () => {
  let directory: string;
  let source: DataSource;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'affiant-jobs-'));
    source = await openCatalogue({ directory: join(directory, 'data') });
  });
  afterAll(async () => {
    await source?.destroy();
    await rm(directory, { recursive: true, force: true });
  });

  jobQueueContract('TableJobQueue on PGlite', () => ({
    ...tableWorld(source),
    // PGlite is one process: what a dead worker leaves is written as that worker would have left it.
    takeAndDie: async (name) => {
      const claim = (): Promise<[{ key: string }[], number]> =>
        source.query('UPDATE job SET attempts = attempts + 1, leased_until = $2 WHERE name = $1 AND leased_until < $3 RETURNING key', [
          name,
          Date.now() + LEASE_MS,
          Date.now(),
        ]);
      const claimed = await vi.waitUntil(async () => (await claim())[0][0], { timeout: 10_000, interval: 20 });
      return claimed.key;
    },
  }));
});

describe.skipIf(!hasPostgres())('jobs in a table of PostgreSQL', () => {
  let postgres: TestPostgres;
  let source: DataSource;

  beforeAll(async () => {
    postgres = await startPostgres();
    source = await openCatalogue({ url: postgres.url });
  });
  afterAll(async () => {
    await source?.destroy();
    await postgres?.stop();
  });

  jobQueueContract('TableJobQueue on PostgreSQL', () => ({
    ...tableWorld(source),
    takeAndDie: (name, { attempts, backoffMs }) =>
      beginAndKill(script, ['table', postgres.url, String(attempts), String(LEASE_MS), String(backoffMs), name]),
  }));
});

describe.skipIf(!hasRedis())('jobs in Redis', () => {
  let redis: TestRedis;

  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis?.stop());

  jobQueueContract('BullJobQueue', () => ({
    open: (limits) => BullJobQueue.connect({ ...limits, url: redis.url, lockMs: LEASE_MS, logger }),
    takeAndDie: (name, { attempts, backoffMs }) =>
      beginAndKill(script, ['bull', redis.url, String(attempts), String(LEASE_MS), String(backoffMs), name]),
  }));
});
