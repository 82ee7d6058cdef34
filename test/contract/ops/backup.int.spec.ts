import '../../support/prepare.mjs';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalogue, TypeormPacketCatalogue } from '#catalogue';
import { packageRoot } from '#config';
import { checkTree, root } from '../../crash/tree.mjs';
import { hasPostgres, startPostgres, type TestPostgres } from '../../support/engines/postgres.mjs';
import { affiant, sql, startInstance, token, until, type RunningInstance } from '../../support/instance.mjs';

const ops = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join(packageRoot, 'ops/backup/state.mjs'), ...args], { encoding: 'utf8' });
const metric = (text: string, name: string): number => Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
const metricsOf = async ({ console: base }: RunningInstance): Promise<string> => (await fetch(`${base}/metrics`)).text();
const sealed = (instance: RunningInstance): Promise<string> =>
  until(
    'everything is sealed',
    async () => {
      const text = await metricsOf(instance);
      return /^affiant_ledger_lag_events\{stage="unsealed",service="standalone"\} 0$/m.test(text) ? text : null;
    },
    60_000,
  );

describe('a standalone instance', () => {
  let directory: string;
  let config: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'affiant-backup-'));
    config = join(directory, 'affiant.yaml');
    writeFileSync(
      config,
      `server: { gateway_port: 0, console_port: 0, issuer_port: 0 }
identity: { development_issuer: true }
connections:
  - { name: claude, protocol: anthropic, upstream: 'http://127.0.0.1:1', credential: { file: ${config} }, allow: ['group:engineering'] }
ledger: { auditors: [auditors] }
`,
    );
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('is watched, examined, backed up and restored elsewhere with the same tree', async () => {
    const state = join(directory, 'first');
    const backup = join(directory, 'backup');
    const elsewhere = join(directory, 'elsewhere');
    const first = await startInstance({ state, config });
    const ask = (instance: RunningInstance, bearer: string): Promise<Response> =>
      fetch(`${instance.gateway}/c/claude/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': bearer, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hello' }] }),
      });
    // One call that fails upstream and one that never gets in: both are counted, one of them is in the ledger.
    expect((await ask(first, token(state, 'alice', 'engineering'))).status).toBe(502);
    expect((await ask(first, 'not-a-token')).status).toBe(401);
    const scraped = await sealed(first);
    expect(scraped).toContain('affiant_refusals_total{code="upstream_unreachable",service="standalone"} 1');
    expect(scraped).toContain('affiant_refusals_total{code="token_invalid",service="standalone"} 1');
    expect(metric(scraped, 'affiant_ledger_up')).toBe(1);
    expect(metric(scraped, 'affiant_journal_durable_seq')).toBeGreaterThan(3);

    const doctor = JSON.parse(affiant(state, ['doctor', '--json', '--config', config])) as {
      exit: number;
      checks: { id: string; status: string }[];
    };
    const statusOf = (id: string): string | undefined => doctor.checks.find((check) => check.id === id)?.status;
    expect(['instance.running', 'instance.ledger', 'instance.journal', 'state.keys', 'engine.embedded'].map(statusOf)).toEqual([
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
    ]);
    expect(doctor.exit).toBe(0);

    const before = await headOf(first, token(state, 'olga', 'auditors'));
    expect(before.size).toBeGreaterThan(3);
    const early = ops('backup', '--state', state, '--to', backup);
    expect([early.status, early.stderr]).toEqual([1, expect.stringContaining('in use')]);
    expect(existsSync(backup)).toBe(false);
    await first.stop();

    expect(ops('backup', '--state', state, '--to', backup)).toMatchObject({ status: 0 });
    expect(ops('restore', '--from', backup, '--state', state).stderr).toContain('there already');
    expect(ops('restore', '--from', backup, '--state', elsewhere)).toMatchObject({ status: 0 });
    expect(readFileSync(join(elsewhere, 'checkpoint.json'))).toEqual(readFileSync(join(state, 'checkpoint.json')));

    const second = await startInstance({ state: elsewhere, config });
    try {
      await sealed(second);
      const auditor = token(elsewhere, 'olga', 'auditors');
      const tree = await checkTree(second, auditor, elsewhere);
      expect(tree).toMatchObject({ ok: true });
      expect(tree.leaves).toBeGreaterThan(before.size);
      expect(await rootAt(second, auditor, before.size)).toBe(before.root);
    } finally {
      await second.stop();
    }

    appendFileSync(join(backup, 'state/checkpoint.json'), ' ');
    expect(ops('verify', '--from', backup)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('checkpoint.json is not what was backed up'),
    });
  }, 240_000);

  /** Size and root of the last signed checkpoint. */
  async function headOf(instance: RunningInstance, bearer: string): Promise<{ size: number; root: string }> {
    const [row] = await sql<{ note: string }>(instance, bearer, 'SELECT note FROM ledger.checkpoints ORDER BY round DESC LIMIT 1');
    const [, size, hash] = (row?.note ?? '').split('\n');
    return { size: Number(size), root: hash ?? '' };
  }

  async function rootAt(instance: RunningInstance, bearer: string, size: number): Promise<string> {
    const rows = await sql<{ leaf: string }>(
      instance,
      bearer,
      `SELECT base64Encode(leaf) AS leaf FROM audit.leaves WHERE leaf_index < ${size} ORDER BY leaf_index`,
    );
    const hashes = rows.map(({ leaf }) => createHash('sha256').update(Buffer.of(0)).update(Buffer.from(leaf, 'base64')).digest());
    return root(hashes).toString('base64');
  }
});

describe.skipIf(!hasPostgres())('the catalogue on PostgreSQL', () => {
  let server: TestPostgres;
  let directory: string;
  beforeAll(async () => {
    server = await startPostgres();
    directory = mkdtempSync(join(tmpdir(), 'affiant-catalogue-'));
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('is dumped while in use, and restored only into an empty database', async () => {
    const tools = '/usr/lib/postgresql/15/bin';
    const run = (...args: string[]): ReturnType<typeof spawnSync> =>
      spawnSync(join(packageRoot, 'ops/backup/catalogue.sh'), args, {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${process.env['PATH']}${delimiter}${tools}` },
      });
    const file = async (name: string): Promise<[string, string]> => {
      const url = await server.createDatabase(name);
      writeFileSync(join(directory, name), url, { mode: 0o600 });
      return [url, join(directory, name)];
    };
    const [url, urlFile] = await file('before');
    const source = await openCatalogue({ url });
    const period = { from: '2026-01-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
    await new TypeormPacketCatalogue(source).create({ id: 'packet-1', framework: 'ffiec', ...period, requested_by: 'olga', created_at: 3 });
    const dump = join(directory, 'catalogue.dump');
    expect(run('backup', urlFile, dump)).toMatchObject({ status: 0 });
    expect(run('backup', urlFile, dump)).toMatchObject({ status: 1 });
    await source.destroy();
    const [restoredUrl, restoredFile] = await file('after');
    expect(run('restore', restoredFile, dump)).toMatchObject({ status: 0 });
    expect(run('restore', restoredFile, dump)).toMatchObject({ status: 1, stderr: expect.stringContaining('not empty') });
    const restored = await openCatalogue({ url: restoredUrl });
    expect(await new TypeormPacketCatalogue(restored).list(10)).toMatchObject([
      { id: 'packet-1', framework: 'ffiec', requested_by: 'olga' },
    ]);
    await restored.destroy();
  });
});
