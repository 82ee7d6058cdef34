import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#observability';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../../test/support/engines/postgres.mjs';
import type { Term } from '../ports.js';
import { PostgresLeadership } from './postgres-leadership.js';

const never = new AbortController().signal;
const lost = (term: Term): Promise<void> =>
  new Promise((resolve) => (term.lost.aborted ? resolve() : term.lost.addEventListener('abort', () => resolve(), { once: true })));

describe.skipIf(!hasPostgres())('the lead by a real PostgreSQL', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  const candidate = (name = 'affiant.test/ledger') =>
    new PostgresLeadership({ url: postgres.url, name, logger: createLogger('test', { level: 'silent' }), everyMs: 30, silenceMs: 1_000 });

  it('is one process at a time, and passes on when it is released', async () => {
    const first = await candidate().acquire(never);
    let second: Term | undefined;
    const waiting = candidate()
      .acquire(never)
      .then((term) => (second = term));
    const other = await candidate('affiant.test/other').acquire(never);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(second).toBeUndefined();
    expect(first.lost.aborted).toBe(false);
    await first.release();
    await waiting;
    await second!.release();
    await other.release();
  });

  it('is given up when the wait is broken off', async () => {
    const first = await candidate().acquire(never);
    const stopping = new AbortController();
    const waiting = candidate().acquire(stopping.signal);
    stopping.abort();
    await expect(waiting).rejects.toThrow();
    await first.release();
  });

  it('is lost with the session, with the server, and with a server that answers no more', async () => {
    const leads = "FROM pg_stat_activity WHERE application_name = 'affiant sequencer lead'";
    const ended = await candidate().acquire(never);
    await postgres.query(`SELECT pg_terminate_backend(pid) ${leads}`);
    await lost(ended);
    const killed = await candidate().acquire(never);
    await postgres.kill();
    await lost(killed);
    const waiting = candidate().acquire(never);
    await postgres.start();
    const silent = await waiting;
    const backends = (await postgres.query(`SELECT pid ${leads}`)) as { pid: number }[];
    for (const { pid } of backends) process.kill(pid, 'SIGSTOP');
    await lost(silent);
    for (const { pid } of backends) process.kill(pid, 'SIGCONT');
    await Promise.all([ended, killed, silent].map((term) => term.release()));
  });
});
