// The ClickHouse engine of npm `chdb` with its HTTP listener, kept as a server of its own: what distributed mode reaches over `clickhouse.url`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedEngine } from '../../../dist/libs/ledger-store/src/index.js';

const QUIET = Object.fromEntries(['debug', 'info', 'warn', 'error', 'fatal', 'child'].map((level) => [level, () => undefined]));

export async function startClickHouse({ limits } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-clickhouse-'));
  let engine = await startEmbeddedEngine({ stateDirectory: directory, logger: QUIET, ...(limits === undefined ? {} : { limits }) });
  const { url, headers, readers } = engine.access;
  const secret = (name, value) => {
    const file = join(directory, `${name}.secret`);
    writeFileSync(file, value, { mode: 0o600 });
    return { file };
  };
  const login = (name, { user, password }) => ({ user, password: secret(name, password) });
  let running = true;
  return {
    url,
    port: Number(new URL(url).port),
    get pid() {
      return engine.pid;
    },
    get running() {
      return running;
    },
    /** The section `clickhouse` of a configuration; its secrets are files. */
    section: {
      url,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, secret(`header-${name.toLowerCase()}`, value)])),
      writer: login('writer', engine.writer),
      ...Object.fromEntries(Object.entries(readers).map(([role, of]) => [role, login(role, of)])),
    },
    /** Makes and changes tables; no service has it. */
    migrator: engine.migrator,
    signal: (name) => process.kill(engine.pid, name),
    async kill() {
      running = false;
      process.kill(engine.pid, 'SIGKILL');
      await engine.exited;
    },
    async start() {
      await engine.exited;
      engine = await engine.restart();
      running = true;
    },
    async stop() {
      await engine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
