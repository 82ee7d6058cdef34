import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startLedger } from '#apps/ledger';
import { EventCodec, SystemClock, SystemIds } from '#events';
import { EmbeddedEventLog } from '#event-log';
import { createWatermarks, JournalRecorder, openJournal } from '#journal';
import { ClickHouseLedgerStore, startEmbeddedEngine } from '#ledger-store';
import { createLogger } from '#observability';
import { loadOrCreateSecret, openFileSigner } from '#signing';
import { FileCheckpointStore, FileTileStore } from '#tlog';
import { startClickHouse, type TestClickHouse } from '../../../test/support/engines/clickhouse.mjs';
import { runCli } from './program.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cli-ledger-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

async function run(...argv: string[]): Promise<{ exit: number; out: string; err: string }> {
  let out = '';
  let err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
  const exit = await runCli(['node', 'affiant', ...argv]);
  vi.restoreAllMocks();
  return { exit, out, err };
}

describe('affiant ledger migrate', () => {
  let server: TestClickHouse;
  beforeAll(async () => {
    server = await startClickHouse();
  });
  afterAll(() => server.stop());

  const config = async (name: string, roles: readonly (keyof TestClickHouse['users'])[]): Promise<string> => {
    const lines = ['clickhouse:', `  url: ${server.url}`];
    for (const role of roles) {
      const secret = join(directory, `${role}.secret`);
      await writeFile(secret, server.users[role].password, { mode: 0o600 });
      lines.push(`  ${role}: { user: ${server.users[role].user}, password: { file: ${secret} } }`);
    }
    const file = join(directory, name);
    await writeFile(file, `${lines.join('\n')}\n`);
    return file;
  };

  it('makes the tables as the migrator, once, and says what is pending', async () => {
    const services = await config('services.yaml', ['writer', 'auditor', 'examiner', 'evidence']);
    expect(await run('ledger', 'migrate', '--config', services)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('clickhouse.migrator'),
    });
    const all = await config('all.yaml', ['writer', 'auditor', 'examiner', 'evidence', 'migrator']);
    expect(await run('ledger', 'migrate', '--config', all, '--check')).toMatchObject({
      exit: 1,
      out: expect.stringContaining('0004_log_places'),
    });
    expect(await run('ledger', 'migrate', '--config', all)).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^applied: 0001_tables, .*0004_log_places/),
    });
    expect(await run('ledger', 'migrate', '--config', all, '--json')).toMatchObject({ exit: 0, out: '{"applied":[]}\n' });
    expect(await run('ledger', 'migrate', '--config', all, '--check')).toMatchObject({ exit: 0, out: 'the tables are as they must be\n' });
    const store = new ClickHouseLedgerStore({ url: server.url, ...server.users.writer, flavour: { kind: 'server' } });
    await store.checkServer();
    await store.close();
  });
});

describe('affiant ledger rebuild', () => {
  it('fills the engine of a state directory again, and refuses while an instance has it', async () => {
    const state = join(directory, 'state');
    const logger = createLogger('test', { level: 'silent' });
    const key = await loadOrCreateSecret(join(state, 'keys', 'journal.key'));
    await loadOrCreateSecret(join(state, 'keys', 'content.key'));
    const engine = await startEmbeddedEngine({ stateDirectory: state, logger });
    const { url, headers } = engine.access;
    const store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
    await store.migrate();
    const watermarks = createWatermarks(['ledger']);
    const journalDirectory = join(state, 'journal');
    const { journal } = await openJournal({
      directory: join(journalDirectory, 'ledger'),
      sourceId: 'ledger',
      key,
      segmentBytes: 1 << 20,
      highWaterBytes: 1 << 26,
      watermarks,
    });
    const codec = new EventCodec();
    const clock = new SystemClock();
    const recorder = new JournalRecorder({ journal, codec, clock, ids: new SystemIds() });
    const eventLog = new EmbeddedEventLog({ journalDirectory, groupsDirectory: join(state, 'groups'), key, watermarks });
    const signer = await openFileSigner({ directory: join(state, 'keys'), file: 'ledger', name: 'affiant.test/ledger' });
    const tiles = new FileTileStore(join(state, 'tiles'));
    const checkpoints = new FileCheckpointStore(join(state, 'checkpoint.json'));
    const ports = { eventLog, store, tiles, checkpoints, signer, recorder, codec, clock, logger };
    const ledger = await startLedger({ ...ports, options: { checkpointInterval: 20 } });
    const event = { kind: 'test.event', outcome: 'success' as const, subject: null, attributes: [], detail: null };
    const context = { session_id: null, exchange_id: null, principal: null, connection: null };
    await recorder.record(Array.from({ length: 50 }, () => ({ context, type: 'control' as const, event })));
    expect(await ledger.drain(20_000)).toBe(true);
    await ledger.stop();
    await eventLog.close();
    await journal.close();
    await store.close();
    await engine.stop();
    const sealed = (await checkpoints.fetch())!;
    await rm(join(state, 'engine', 'data'), { recursive: true });

    const { exit, out } = await run('ledger', 'rebuild', '--state', state, '--json');
    expect([exit, JSON.parse(out)]).toEqual([
      0,
      expect.objectContaining({ size: sealed.tree_size, root: sealed.root_hash, missingEvents: 0 }),
    ]);
    expect((await run('ledger', 'rebuild', '--state', join(directory, 'nothing'))).exit).not.toBe(0);

    const checked = await run('ledger', 'check-content', '--state', state);
    expect(checked).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^VERIFIES\n\d+ events read, 0 of them/),
      err: expect.stringContaining('events in'),
    });
    const wrong = [join(directory, 'no-keys'), '--from', 'yesterday'];
    expect(await run('ledger', 'check-content', '--state', state, '--keys', wrong[0]!)).toMatchObject({ exit: 2, out: '' });
    expect(await run('ledger', 'check-content', '--state', state, ...wrong.slice(1))).toMatchObject({ exit: 2, out: '' });
  });
});
