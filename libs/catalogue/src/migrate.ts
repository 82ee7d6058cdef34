import { setTimeout as delay } from 'node:timers/promises';
import { MigrationExecutor, type DataSource } from 'typeorm';
import { AffiantError } from '#errors';

/** Any constant: it names "migrations of the catalogue" among the advisory locks of the database. */
const LOCK = 5_820_001;
const WAIT_MS = 60_000;
const POLL_MS = 50;

/**
 * Brings the schema up to date. Services that start at once take turns by an advisory lock, and each sees what the one before did.
 * All migrations are one transaction: a crash inside leaves the old schema and, as the lock is the session's, a free lock.
 * @throws AffiantError catalogue_failed when another process holds the lock for a minute
 */
export async function migrate(source: DataSource): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const [row] = (await runner.query('SELECT pg_try_advisory_lock($1) AS taken', [LOCK])) as { taken: boolean }[];
      if (row?.taken === true) break;
      if (Date.now() > deadline)
        throw new AffiantError('catalogue_failed', 'another process has been migrating the catalogue for a minute');
      await delay(POLL_MS);
    }
    try {
      const executor = new MigrationExecutor(source, runner);
      executor.transaction = 'all';
      await executor.executePendingMigrations();
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    }
  } finally {
    await runner.release();
  }
}
