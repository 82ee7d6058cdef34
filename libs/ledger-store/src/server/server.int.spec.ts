import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startClickHouse, type TestClickHouse } from '../../../../test/support/engines/clickhouse.mjs';
import { packageRoot } from '#config';
import { ledgerStoreContract } from '../contract/ledger-store.contract.js';
import { ClickHouseLedgerStore } from '../store/clickhouse-ledger-store.js';
import { statementFor } from '../store/flavour.js';
import { loadMigrations, splitStatements } from '../store/migrations.js';
import { sampleEvent, sampleEvents } from '../testing/sample-rows.js';
import { serverEngineAccess } from './server-access.js';

const open = (server: TestClickHouse): ClickHouseLedgerStore =>
  new ClickHouseLedgerStore({ url: server.url, ...server.users.writer, migrator: server.users.migrator, flavour: { kind: 'server' } });

ledgerStoreContract('ClickHouse as a server', async () => {
  const server = await startClickHouse();
  const store = open(server);
  await store.migrate();
  return {
    store,
    close: async () => {
      await store.close();
      await server.stop();
    },
  };
});

describe('a ClickHouse server', () => {
  let server: TestClickHouse;
  let store: ClickHouseLedgerStore;
  beforeAll(async () => {
    server = await startClickHouse();
    store = open(server);
  });
  afterAll(async () => {
    await store.close();
    await server.stop();
  });

  it('is refused until the migrator has prepared it, and accepted then', async () => {
    await expect(store.checkServer()).rejects.toMatchObject({ code: 'config_invalid', remedy: expect.stringContaining('ledger migrate') });
    const runtimeOnly = new ClickHouseLedgerStore({ url: server.url, ...server.users.writer, flavour: { kind: 'server' } });
    await expect(runtimeOnly.migrate()).rejects.toMatchObject({ code: 'engine_failed' });
    await store.migrate();
    await runtimeOnly.checkServer();
    await runtimeOnly.close();
    const cluster = new ClickHouseLedgerStore({ url: server.url, ...server.users.writer, flavour: { kind: 'cluster', cluster: 'main' } });
    await expect(cluster.checkServer()).rejects.toMatchObject({ code: 'config_invalid' });
    await cluster.close();
  });

  it('finds one source among many by its own index, reading little', async () => {
    const sources = Array.from({ length: 40 }, (_, index) => `source-${index}`);
    for (let batch = 0; batch < 10; batch += 1) {
      const rows = sources.flatMap((source_id, index) =>
        sampleEvents(batch * 100 + 1 + index * 3_000, batch * 100 + 100 + index * 3_000, { source_id, exchange_id: `0198-${batch}` }),
      );
      await store.appendEvents(`batch-${batch}`, rows);
    }
    const held = await store.eventCount();
    expect(held).toBe(40_000);
    const login = new URLSearchParams({
      user: server.users.writer.user,
      password: server.users.writer.password,
      min_table_rows_to_use_projection_index: '0',
    });
    const answer = await fetch(`${server.url}/?${login.toString()}&wait_end_of_query=1`, {
      method: 'POST',
      body: "SELECT count(), sum(length(raw)) FROM ledger.events WHERE source_id = 'source-7' AND seq BETWEEN 21501 AND 21600",
    });
    expect((await answer.text()).split('\t')[0]).toBe('100');
    const { read_rows } = JSON.parse(answer.headers.get('x-clickhouse-summary') ?? '{}') as { read_rows: string };
    expect(Number(read_rows)).toBeLessThan(held / 2);
  });

  it('tells how far each source is held, and reads it back in bounded pieces', async () => {
    const other = (seq: number, log_offset: number, size = 10) =>
      sampleEvent(seq, { source_id: 'pieces', log_partition: 'affiant.control.v1/1', log_offset, raw: Buffer.alloc(size, seq) });
    await store.appendEvents('pieces/1', [other(1, 5), other(2, 6), other(4, 9), other(3, 12, 1_000), other(7, 15)]);
    const place = (offset: number) =>
      sampleEvent(offset, {
        source_id: 'affiant.request.v1/1',
        log_partition: 'affiant.request.v1/1',
        log_offset: offset,
        event_type: 'undecodable',
      });
    await store.appendEvents('place/1', [place(0), place(17)]);
    const known = new Map([
      ['pieces', 1],
      ['affiant.request.v1/1', 0],
      ['nobody', 1],
    ]);
    expect((await store.progress(known, 100)).toSorted((a, b) => a.end - b.end)).toEqual([
      { source_id: 'pieces', end: 5 },
      { source_id: 'affiant.request.v1/1', end: 18 },
    ]);
    expect((await store.progress(known, 2)).find(({ source_id }) => source_id === 'pieces')).toEqual({ source_id: 'pieces', end: 3 });
    expect(await store.lowestSeqs(new Map([['pieces', 5]]))).toEqual(new Map([['pieces', 7]]));
    expect((await store.otherSources(['pieces', 'affiant.request.v1/1'])).every((source) => /^source-\d+$/.test(source))).toBe(true);
    const read = await store.readEvents('pieces', 1, 4, 1_015);
    expect(read.map(({ seq, topic, value }) => [seq, topic, value.length])).toEqual([
      [1, 'affiant.control.v1', 10],
      [2, 'affiant.control.v1', 10],
    ]);
    expect((await store.readEvents('pieces', 3, 4, 1)).map(({ seq, value }) => [seq, value.length, value[0]])).toEqual([[3, 1_000, 3]]);
    expect((await store.readEvents('affiant.request.v1/1', 0, 17, 1 << 20)).map(({ seq }) => seq)).toEqual([0, 17]);
  });

  it('keeps what it acknowledged over kill -9, and the same store goes on', async () => {
    await store.appendEvents('kept', sampleEvents(1, 50, { source_id: 'kept' }));
    await server.kill();
    await expect(store.heldEvents([{ source_id: 'kept', from: 1, to: 50 }])).rejects.toMatchObject({ code: 'engine_failed' });
    await server.start();
    await store.appendEvents('kept', sampleEvents(1, 50, { source_id: 'kept' }));
    expect((await store.rangeDigest('kept', 1, 50)).count).toBe(50);
  });

  it('lets nobody of the runtime change or drop anything, and readers read', async () => {
    const { writer } = server.users;
    const access = serverEngineAccess({ url: `${server.url}/`, ...server.users });
    const readers = Object.values(access.readers);
    const run = async (login: { user: string; password: string }, sql: string): Promise<string> => {
      const answer = await fetch(`${access.url}/?${new URLSearchParams({ ...login }).toString()}`, { method: 'POST', body: sql });
      return answer.text();
    };
    for (const login of readers) expect(await run(login, 'SELECT count() > 0 FROM audit.events')).toBe('1\n');
    // The view sets the sizes of its own blocks, which a reader may not.
    for (const login of readers) expect(await run(login, 'SELECT sum(length(body)) >= 0 FROM audit.bodies')).toBe('1\n');
    const changes = ['ALTER TABLE ledger.events DELETE WHERE 1', 'DELETE FROM ledger.events WHERE 1', 'DROP TABLE ledger.events'];
    changes.push(
      'TRUNCATE TABLE ledger.events',
      'OPTIMIZE TABLE ledger.events FINAL',
      'SYSTEM STOP MERGES ledger.events',
      'ALTER TABLE ledger.events DROP PARTITION 202607',
    );
    for (const login of [writer, ...readers]) {
      for (const sql of changes) expect([sql, await run(login, sql)]).toEqual([sql, expect.stringMatching(/ACCESS_DENIED|READONLY/)]);
    }
  });

  /** The parser of the engine at hand is the server's own; running these needs what this build has not (replication, users by SQL). */
  const parse = async (sql: string): Promise<string> => {
    const login = new URLSearchParams({ ...server.users.migrator, allow_ddl: '0' });
    const answer = await fetch(`${server.url}/?${login.toString()}`, { method: 'POST', body: `EXPLAIN AST ${sql}` });
    return `${answer.status} ${(await answer.text()).split('\n')[0]}`;
  };

  it('would get replicated tables in a cluster, with windows of tokens longer than an outage (parsed, not run)', async () => {
    const statements = loadMigrations().flatMap(({ statements: all }) =>
      all.flatMap((text) => statementFor({ kind: 'cluster', cluster: 'main' }, text)),
    );
    for (const statement of statements) {
      expect([statement.slice(0, 90), statement.includes(' ON CLUSTER `main`')]).toEqual([statement.slice(0, 90), true]);
      // A parameterised view is parsed with its parameter unset: the engine asks for it after parsing.
      const answer = await parse(statement);
      expect([statement.slice(0, 90), answer]).toEqual([statement.slice(0, 90), expect.stringMatching(/^200 |UNKNOWN_QUERY_PARAMETER/)]);
    }
    const tables = statements.filter((statement) => statement.startsWith('CREATE TABLE'));
    expect(tables).toHaveLength(6);
    for (const table of tables) {
      expect(table).toMatch(/ENGINE = ReplicatedMergeTree\('\/clickhouse\/tables\/\{uuid\}\/\{shard\}', '\{replica\}'\)/);
      expect(table).toMatch(/\breplicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 2592000\b/);
      expect(table).not.toContain('non_replicated');
    }
  });

  it('can be given the roles of ops/clickhouse/roles.sql (parsed, not run)', async () => {
    const statements = splitStatements(readFileSync(join(packageRoot, 'ops/clickhouse/roles.sql'), 'utf8'));
    expect(statements.length).toBeGreaterThan(15);
    for (const statement of statements) {
      expect([statement, await parse(statement)]).toEqual([statement, expect.stringMatching(/^200 /)]);
      const grants = /^GRANT (.*) ON /s.exec(statement)?.[1] ?? '';
      if (/ TO affiant_retention;?$/.test(statement)) {
        // It alone can remove events: from their table, and in the table it makes for a drop; and opened content with them.
        if (/DELETE|DROP|CREATE/.test(grants))
          expect(statement).toMatch(
            /^GRANT (INSERT, ALTER DELETE ON ledger\.events|INSERT, CREATE TABLE, DROP TABLE ON ledger\.kept|ALTER DELETE ON ledger\.content) TO/,
          );
        continue;
      }
      if (/ TO affiant_eraser;?$/.test(statement)) {
        expect(statement).toMatch(/^GRANT (SELECT ON ledger\.\*|ALTER DELETE ON ledger\.content) TO/);
        continue;
      }
      if (!statement.includes('affiant_migrator')) expect(grants).not.toMatch(/ALTER|DELETE|DROP|TRUNCATE|OPTIMIZE|SYSTEM|ALL|CREATE/);
      expect(grants).not.toMatch(/ALTER (DELETE|UPDATE)|DROP (TABLE|COLUMN|DATABASE)|TRUNCATE|OPTIMIZE|SYSTEM|ALL/);
    }
    expect(await parse('GRANT SELEKT ON x.y TO z')).toMatch(/^(400|500) /);
  });
});
