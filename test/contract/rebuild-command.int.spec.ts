import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '#apps/cli';
import { openCatalogue, TypeormApprovalBook } from '#catalogue';
import { openLedger, type OpenLedger } from '../../apps/evidence/src/testing/open-ledger.js';
import { hasPostgres, startPostgres, type TestPostgres } from '../support/engines/postgres.mjs';

describe.skipIf(!hasPostgres())('affiant catalogue rebuild', () => {
  let ledger: OpenLedger;
  let postgres: TestPostgres;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'affiant-rebuild-'));
    [ledger, postgres] = await Promise.all([openLedger(), startPostgres()]);
  }, 240_000);
  afterAll(async () => {
    await Promise.all([ledger?.close(), postgres?.stop()]);
    await rm(directory, { recursive: true, force: true });
  });

  it('fills an empty database from the ledger, twice the same', { timeout: 60_000 }, async () => {
    const secret = async (name: string, value: string): Promise<string> => {
      await writeFile(join(directory, name), value);
      return `{ file: ${JSON.stringify(join(directory, name))} }`;
    };
    const { user, password } = ledger.writer;
    const login = `{ user: ${user}, password: ${await secret('password', password)} }`;
    const headers = await Promise.all(
      Object.entries(ledger.access.headers).map(async ([name, value]) => `${name}: ${await secret(`header-${name}`, value)}`),
    );
    const url = await postgres.createDatabase('lost');
    const config = join(directory, 'affiant.yaml');
    await writeFile(
      config,
      [
        `postgres: { url: ${await secret('url', url)} }`,
        'clickhouse:',
        `  url: ${ledger.access.url}`,
        ...['writer', 'auditor', 'examiner', 'evidence'].map((role) => `  ${role}: ${login}`),
        `  headers: { ${headers.join(', ')} }`,
        '',
      ].join('\n'),
    );
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const answers: string[] = [];
    for (const _ of [1, 2]) {
      expect(await runCli(['node', 'affiant', 'catalogue', 'rebuild', '--config', config, '--json'])).toBe(0);
      answers.push(written.mock.calls.map(([text]) => String(text)).join(''));
      written.mockClear();
    }
    written.mockRestore();
    expect(answers[0]).toBe(answers[1]);
    const { approvals } = JSON.parse(answers[0] ?? '') as { approvals: number };
    const [held] = await ledger.store.query<{ n: number }>('SELECT toUInt32(uniqExact(approval_id)) AS n FROM audit.approvals');
    expect(approvals).toBe(held?.n);
    const source = await openCatalogue({ url });
    const rows = await new TypeormApprovalBook(source, Date.now).list({ limit: 1_000 });
    expect(rows).toHaveLength(approvals);
    expect(rows.filter(({ state }) => state === 'pending' || state === 'granted')).toEqual([]);
    await source.destroy();
  });
});
