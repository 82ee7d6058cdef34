import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isAffiantError } from '#errors';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../test/support/engines/postgres.mjs';
import { bundleEntry } from '../../../test/support/bundle-entry.js';
import { TypeormApprovalBook } from './approvals/typeorm-approval-book.js';
import { held } from './contract/approval-book.contract.js';
import { openCatalogue } from './data-source.js';
import { TypeormPacketCatalogue } from './packets/typeorm-packet-catalogue.js';

interface Told {
  readonly id: string;
  readonly voted: string;
  readonly released: boolean;
  readonly committedAt: number;
}

describe.skipIf(!hasPostgres())('the catalogue on a PostgreSQL server', () => {
  let postgres: TestPostgres;
  let script: string;
  let databases = 0;
  const fresh = (): Promise<string> => postgres.createDatabase(`c${(databases += 1)}`);

  beforeAll(async () => {
    postgres = await startPostgres();
    script = await bundleEntry(fileURLToPath(new URL('./testing/voter-child.fixture.ts', import.meta.url)), 'voter-child');
  });
  afterAll(async () => {
    await postgres?.stop();
    await rm(script, { force: true });
  });

  /** Processes that wait for a word before they vote and release. */
  async function voters(url: string, subjects: readonly string[], ids: readonly string[]): Promise<() => Promise<Told[][]>> {
    const children = subjects.map((subject) =>
      spawn(process.execPath, [script, url, subject, ...ids], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const printed = children.map(() => '');
    for (const [index, child] of children.entries())
      child.stdout.setEncoding('utf8').on('data', (text: string) => (printed[index] += text));
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    return async () => {
      const ended = children.map((child) => once(child, 'close'));
      for (const child of children) child.stdin.write('go\n');
      await Promise.all(ended);
      return printed.map((text) =>
        text
          .trim()
          .split('\n')
          .slice(1)
          .map((line) => JSON.parse(line) as Told),
      );
    };
  }

  it('is migrated once by many services that start at the same time', async () => {
    const url = await fresh();
    const sources = await Promise.all(Array.from({ length: 6 }, () => openCatalogue({ url, pool: 1 })));
    expect(await sources[0]?.query('SELECT count(*)::int AS n FROM catalogue_migration')).toEqual([{ n: 5 }]);
    expect(await sources[0]?.query(`SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([{ n: 0 }]);
    await Promise.all(sources.map((source) => source.destroy()));
  });

  it('loses no vote of two processes and lets one of them release', async () => {
    const url = await fresh();
    const source = await openCatalogue({ url });
    const book = new TypeormApprovalBook(source, Date.now);
    const ids = Array.from({ length: 60 }, (_, index) => `a${index}`);
    // Half of them need both votes: then the release of the slower process must win or nobody's.
    for (const [index, id] of ids.entries()) await book.open(held(id, index % 2 === 0 ? 1 : 2));
    const told = await (await voters(url, ['bob', 'carol'], ids))();
    expect(told.map((list) => list.length)).toEqual([60, 60]);
    for (const [index, id] of ids.entries()) {
      const tries = told.flat().filter((one) => one.id === id);
      expect(
        tries.filter(({ released }) => released),
        id,
      ).toHaveLength(1);
      const approval = await book.get(id);
      expect(approval?.state).toBe('released');
      expect(approval?.votes.map(({ approver }) => approver.subject).toSorted()).toHaveLength(index % 2 === 0 ? 1 : 2);
    }
    await source.destroy();
  });

  it('tells of changes made by another process within the poll, over one connection however much is watched', async () => {
    const url = await fresh();
    const source = await openCatalogue({ url, pool: 5 });
    const book = new TypeormApprovalBook(source, Date.now);
    const ids = Array.from({ length: 400 }, (_, index) => `w${index}`);
    for (const id of ids) await book.open(held(id));
    const seen = new Map<string, number>();
    const stops = ids.map((id) => book.watch(id, ({ state }) => void (state === 'released' && seen.set(id, Date.now()))));
    const run = await voters(url, ['bob'], ids.slice(0, 100));
    await delay(400);
    expect(seen.size, 'an unchanged approval was told').toBe(0);
    const connections = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    const [before] = (await source.query(connections)) as { n: number }[];
    const [told = []] = await run();
    await vi.waitUntil(() => seen.size === 100, { timeout: 10_000, interval: 10 });
    for (const stop of stops) stop();
    // The other process holds up to 4 of them.
    expect(before?.n).toBeLessThanOrEqual(5 + 4);
    const delays = told.map(({ id, committedAt }) => (seen.get(id) ?? Infinity) - committedAt).toSorted((a, b) => a - b);
    expect(delays).toHaveLength(100);
    expect(delays[50]).toBeLessThanOrEqual(300);
    console.log(`told after p50 ${delays[50]} ms, p99 ${delays[98]} ms, max ${delays[99]} ms`);
    await source.destroy();
  });

  it(
    'fails with a retryable code while the server is gone, loses nothing acknowledged, and heals by itself',
    { timeout: 120_000 },
    async () => {
      const source = await openCatalogue({ url: await fresh(), pool: 4 });
      const book = new TypeormApprovalBook(source, Date.now);
      const packets = new TypeormPacketCatalogue(source);
      await book.open(held('watched'));
      let told = 0;
      const stop = book.watch('watched', () => (told += 1));
      const acknowledged = new Set<string>();
      const codes = new Map<string, number>();
      let serial = 0;
      const over = new AbortController();
      const writer = async (): Promise<void> => {
        while (!over.signal.aborted) {
          const id = `p${(serial += 1)}`;
          try {
            await packets.create({ id, framework: 'ffiec', from: 'a', to: 'b', requested_by: 'olga', created_at: serial });
            acknowledged.add(id);
          } catch (error) {
            const code = isAffiantError(error) ? error.code : String(error);
            codes.set(code, (codes.get(code) ?? 0) + 1);
            await delay(10);
          }
        }
      };
      const writers = Array.from({ length: 8 }, writer);
      for (let round = 0; round < 3; round += 1) {
        await delay(150 + 200 * Math.random());
        await postgres.kill();
        await delay(100);
        await postgres.start();
        const before = acknowledged.size;
        const deadline = Date.now() + 15_000;
        while (acknowledged.size === before && Date.now() < deadline) await delay(10);
        expect(acknowledged.size, 'no write came through after the restart').toBeGreaterThan(before);
      }
      over.abort();
      await Promise.all(writers);
      const kept = new Set(((await source.query('SELECT id FROM packet')) as { id: string }[]).map(({ id }) => id));
      expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
      expect([...codes.keys()]).toEqual(['catalogue_failed']);
      // The poll of the watch outlived the outage, too.
      await source.query(`UPDATE approval SET version = 2, state = 'expired' WHERE id = 'watched'`);
      await vi.waitUntil(() => told > 0, { timeout: 10_000, interval: 10 });
      expect(told).toBe(1);
      stop();
      console.log(`3 kills: ${acknowledged.size} acknowledged, 0 lost, ${codes.get('catalogue_failed')} refused`);
      await source.destroy();
    },
  );

  it('does not wait for a silent server, and uses it again when it speaks', async () => {
    const source = await openCatalogue({ url: await fresh(), pool: 2, answerMs: 400 });
    const packets = new TypeormPacketCatalogue(source);
    postgres.signal('SIGSTOP');
    const backends = (await backendsOf(postgres.pid)).map(Number);
    for (const pid of backends) process.kill(pid, 'SIGSTOP');
    try {
      for (let round = 0; round < 4; round += 1) await expect(packets.list()).rejects.toMatchObject({ code: 'catalogue_failed' });
    } finally {
      for (const pid of backends) process.kill(pid, 'SIGCONT');
      postgres.signal('SIGCONT');
    }
    await vi.waitUntil(async () => (await packets.list().catch(() => null)) !== null, { timeout: 10_000, interval: 20 });
    expect(await packets.list()).toEqual([]);
    await source.destroy();
  });
});

/** Child processes of a process. */
async function backendsOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean);
}
