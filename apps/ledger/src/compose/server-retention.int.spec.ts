import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startClickHouse, type TestClickHouse } from '../../../../test/support/engines/clickhouse.mjs';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../../test/support/engines/postgres.mjs';
import { parseConfig, type ClickHouseConfig } from '#config';
import { openCatalogue, TypeormHoldBook } from '#catalogue';
import { EventCodec, SystemClock } from '#events';
import { ClickHouseLedgerStore } from '#ledger-store';
import { createLogger } from '#observability';
import { sampleHold } from '../../../../libs/catalogue/src/contract/hold-book.contract.js';
import { sampleEvent } from '../../../../libs/ledger-store/src/testing/sample-rows.js';
import { MemoryEventLog } from '../testing/memory-event-log.js';
import { MemoryRecorder } from '../testing/memory-recorder.js';
import { startServerRetention } from './server-retention.js';

const MINUTE = 60_000;
const logger = createLogger('test', { level: 'silent' });
const codec = new EventCodec();

describe.skipIf(!hasPostgres())('retention of distributed mode', () => {
  let server: TestClickHouse;
  let postgres: TestPostgres;
  let store: ClickHouseLedgerStore;
  let url: string;

  beforeAll(async () => {
    [server, postgres] = await Promise.all([startClickHouse(), startPostgres()]);
    url = await postgres.createDatabase('catalogue');
    store = new ClickHouseLedgerStore({
      url: server.url,
      ...server.users.writer,
      migrator: server.users.migrator,
      flavour: { kind: 'server' },
    });
    await store.migrate();
    const rows = [0, 1].flatMap((month) =>
      ['request', 'decision', 'response', 'control'].map((event_type, index) => {
        const at = Date.UTC(2025, month, 1) * 1000;
        return sampleEvent(4 * month + index + 1, { event_type, occurred_at: at, ingested_at: at });
      }),
    );
    await store.appendEvents('old', rows);
    const note = { round: 1, tree_size: 8, root_hash: 'ab', note: 'n', sealed_at: 1, frontier_sources: ['gateway'], frontier_seqs: [8] };
    await store.appendCheckpoint(note);
    process.env['AFFIANT_TEST_RETENTION'] = server.users.retention.password;
  }, 5 * MINUTE);
  afterAll(async () => {
    delete process.env['AFFIANT_TEST_RETENTION'];
    await store?.close();
    await Promise.all([server?.stop(), postgres?.stop()]);
  });

  const configured = (retention: string) => parseConfig(`retention: ${retention}\n`, 'test.yaml').retention;
  const start = (log: MemoryEventLog, retention: string, change: Partial<ClickHouseConfig> = {}) => {
    const { user } = server.users.retention;
    const clickhouse = { url: server.url, retention: { user, password: { env: 'AFFIANT_TEST_RETENTION' } }, ...change } as ClickHouseConfig;
    const recorder = new MemoryRecorder(log, codec, 'ledger');
    const parts = { clickhouse, retention: configured(retention), url, origin: 'o', recorder, codec, clock: new SystemClock(), logger };
    return startServerRetention({ ...parts, whenThere: (_what, work) => work() });
  };
  const kinds = (log: MemoryEventLog): unknown[] =>
    (log.partitions.get('ledger') ?? []).map(({ value }) => (codec.decode(value).event as { kind?: string }).kind);
  const left = async () =>
    (await store.query<{ type: string }>('SELECT toString(event_type) AS type FROM ledger.events ORDER BY type')).map(({ type }) => type);

  it('needs its login when something is to be dropped, and nothing otherwise', async () => {
    await expect(start(new MemoryEventLog(), '{ content: 1d }', { retention: undefined } as never)).rejects.toMatchObject({
      code: 'config_invalid',
    });
    await (
      await start(new MemoryEventLog(), '{}', { retention: undefined } as never)
    )();
  });

  it('is done by one of several services, and not under a hold', { timeout: 5 * MINUTE }, async () => {
    const catalogue = await openCatalogue({ url, pool: 2 });
    const book = new TypeormHoldBook(catalogue);
    const january = { from: Date.UTC(2025, 0), to: Date.UTC(2025, 1), session: null, principal: null, connection: null };
    await book.place(sampleHold('h', { placed_at: 1, scope: january }));
    const logs = [new MemoryEventLog(), new MemoryEventLog()];
    const all = () => logs.flatMap(kinds);
    const runUntil = async (dropped: number): Promise<void> => {
      const stops = await Promise.all(logs.map((log) => start(log, '{ content: 30d, check_every: 100ms }')));
      await vi.waitFor(async () => expect(await book.drops(['dropped'])).toHaveLength(dropped), { timeout: 2 * MINUTE, interval: 100 });
      await Promise.all(stops.map((stop) => stop()));
    };
    await runUntil(1);
    expect((await book.drops()).map(({ id }) => id)).toEqual(['202502/content/1']);
    expect(all()).toEqual(['retention.intended', 'retention.dropped']);
    expect(await left()).toEqual(['control', 'control', 'decision', 'decision', 'request', 'response']);
    await book.release('h', sampleHold('h').placed_by, 'settled', 2);
    await runUntil(2);
    expect(all().toSorted()).toEqual(['retention.dropped', 'retention.dropped', 'retention.intended', 'retention.intended']);
    expect(await left()).toEqual(['control', 'control', 'decision', 'decision']);
    await catalogue.destroy();
  });
});
