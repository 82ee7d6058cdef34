import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLogger } from '#observability';
import { startEmbeddedEngine } from '../engine/embedded-engine.js';
import { sampleEvents } from '../testing/sample-rows.js';
import { ClickHouseLedgerStore } from './clickhouse-ledger-store.js';
import { loadMigrations } from './migrations.js';

const OLD = 3;

it('an embedded ledger from before the places of the log goes on: its rows are at source and seq', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'upgrade-'));
  const engine = await startEmbeddedEngine({ stateDirectory: directory, logger: createLogger('test', { level: 'silent' }) });
  const { url, headers } = engine.access;
  const options = { url, headers, ...engine.writer, migrator: engine.migrator };
  const old = new ClickHouseLedgerStore({ ...options, migrations: loadMigrations().slice(0, OLD) });
  await old.migrate();
  const rows = sampleEvents(1, 20);
  const raws = rows.map((row) => `unhex('${row.raw.toString('hex')}')`).join();
  const login = new URLSearchParams({ user: engine.writer.user, password: engine.writer.password });
  const inserted = await fetch(`${url}/?${login.toString()}`, {
    method: 'POST',
    headers: { ...headers },
    body: `INSERT INTO ledger.events (source_id, boot_epoch, seq, topic, event_type, occurred_at, raw, payload_hash)
      SELECT 'gateway', 1, number + 1, 'affiant.control.v1', 'control', toDateTime64('2026-07-01', 6), raws[number + 1], SHA256(raws[number + 1])
      FROM (SELECT [${raws}] AS raws, number FROM numbers(20))`,
  });
  expect([inserted.status, await inserted.text()]).toEqual([200, '']);
  await old.close();

  const store = new ClickHouseLedgerStore(options);
  expect((await store.pendingMigrations()).map(({ id }) => id)).toEqual(
    loadMigrations()
      .slice(OLD)
      .map(({ id }) => id),
  );
  await store.migrate();
  expect(await store.pendingMigrations()).toEqual([]);
  const sources = [{ source_id: 'gateway', from: 1, to: 30 }];
  const range = { partition: 'gateway', from: 1, to: 30, except: [], sources };
  expect((await store.logDigest(range)).count).toBe(20);
  await store.appendEvents('new', sampleEvents(21, 30));
  expect(await store.logDigest(range)).toEqual(await store.rangeDigest('gateway', 1, 30));
  expect((await store.heldEvents(sources)).length).toBe(30);
  expect(await store.query('SELECT count() AS n FROM ledger.events WHERE log_partition = source_id AND log_offset = seq')).toEqual([
    { n: 30 },
  ]);
  await store.close();
  await engine.stop();
  rmSync(directory, { recursive: true, force: true });
});
