import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#observability';
import { startEmbeddedEngine, type EmbeddedEngine } from './embedded-engine.js';

const logger = createLogger('test', { level: 'silent' });

describe('embedded engine', () => {
  let state: string;
  let engine: EmbeddedEngine;
  const steps: string[] = [];

  beforeAll(async () => {
    state = mkdtempSync(join(tmpdir(), 'engine-'));
    engine = await startEmbeddedEngine({ stateDirectory: state, logger, progress: (step) => steps.push(step) });
  });

  afterAll(async () => {
    await engine.stop();
    rmSync(state, { recursive: true, force: true });
  });

  const run = (sql: string, login?: { user: string; password: string }, headers: Record<string, string> = { ...engine.access.headers }) => {
    const query = login === undefined ? '' : `?${new URLSearchParams({ user: login.user, password: login.password }).toString()}`;
    return fetch(`${engine.access.url}/${query}`, { method: 'POST', body: sql, headers });
  };

  it('is the engine version whose undocumented entry point was checked (canary, ADR 0002)', async () => {
    const answer = await run('SELECT version()', engine.writer);
    expect(await answer.text()).toBe('26.7.2.1\n');
    expect(steps).toEqual(['starting the ledger engine', 'ledger engine is ready']);
  });

  it.each(['/', '/ping', '/play', '/dashboard', '/?query=SELECT+1', '/replicas_status'])(
    'answers 404 at %s without the secret header',
    async (path) => {
      const without = await fetch(engine.access.url + path);
      expect(without.status).toBe(404);
      const wrong = await fetch(engine.access.url + path, { headers: { 'X-Engine-Key': 'guess' } });
      expect(wrong.status).toBe(404);
    },
  );

  it('gives the default user nothing that reads or writes data', async () => {
    for (const sql of [
      'SHOW TABLES FROM ledger',
      'CREATE DATABASE x',
      'SELECT * FROM system.users',
      "SELECT * FROM url('http://127.0.0.1:1', 'LineAsString')",
    ]) {
      const answer = await run(sql);
      expect([sql, answer.status >= 400 || (await answer.text()) === '']).toEqual([sql, true]);
    }
  });

  it('keeps its configuration to the owner', () => {
    for (const file of ['config.xml', 'users.xml']) expect(statSync(join(state, 'engine', file)).mode & 0o777).toBe(0o600);
  });

  it('waits for a predecessor that still holds the data', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'engine-'));
    const first = await startEmbeddedEngine({ stateDirectory: dir, logger });
    const said: string[] = [];
    const second = await startEmbeddedEngine({
      stateDirectory: dir,
      logger,
      progress: (step) => {
        said.push(step);
        if (step.startsWith('waiting')) void first.stop();
      },
    });
    expect(said.slice(0, 2)).toEqual(['starting the ledger engine', 'waiting for the previous ledger engine to end']);
    expect((await fetch(`${second.access.url}/ping`, { headers: { ...second.access.headers } })).status).toBe(200);
    await second.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('says why it did not start, with the log', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'engine-'));
    const broken = { querySeconds: 'much' as unknown as number };
    const failure = await startEmbeddedEngine({ stateDirectory: dir, logger, limits: broken }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'engine_failed', where: join(dir, 'log/engine.log') });
    expect(String((failure as Error).cause)).toMatch(/much/);
    rmSync(dir, { recursive: true, force: true });
  });

  it('reports a death nobody asked for, and starts again on the same data', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'engine-'));
    const first = await startEmbeddedEngine({ stateDirectory: dir, logger });
    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL', expected: false });
    const second = await startEmbeddedEngine({ stateDirectory: dir, logger });
    expect(second.access.headers).not.toEqual(first.access.headers);
    await second.stop();
    expect(await second.exited).toMatchObject({ expected: true });
    rmSync(dir, { recursive: true, force: true });
  });
});
