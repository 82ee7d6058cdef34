// A real PostgreSQL server of the machine (Debian's postgresql), for tests.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ensureDebian, missing } from '../tools.mjs';
import { startOnFreePort } from './engine-process.mjs';

const HOME = '/usr/lib/postgresql';
const USER = 'affiant';
const PASSWORD = 'test-only';

/** Directory of the newest installed server's programs, or null. */
export function postgresPrograms() {
  const versions = existsSync(HOME) ? readdirSync(HOME).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(HOME, version, 'bin')).find((bin) => existsSync(join(bin, 'postgres')));
  return found ?? null;
}

/** True when the engine can run here; says loudly what is missing when it cannot. */
export function hasPostgres() {
  if (ensureDebian(() => postgresPrograms() !== null, ['postgresql'])) return true;
  missing('PostgreSQL', 'apt-get install postgresql');
  return false;
}

/** The server refuses to run as root. */
function account() {
  if (process.getuid() !== 0) return null;
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout));
  return { uid, gid };
}

export async function startPostgres({ settings = {} } = {}) {
  const bin = postgresPrograms();
  if (bin === null) throw new Error('PostgreSQL is not installed');
  const directory = mkdtempSync(join(tmpdir(), 'affiant-postgres-'));
  const owner = account();
  if (owner !== null) chownSync(directory, owner.uid, owner.gid);
  const identity = owner === null ? [] : ['--reuid=postgres', '--regid=postgres', '--clear-groups'];
  const data = join(directory, 'data');
  const initdb = [join(bin, 'initdb'), '-D', data, '-U', USER, '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8'];
  const made = spawnSync('setpriv', [...identity, ...initdb], { encoding: 'utf8', cwd: directory });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const urlOf = (port, database) => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const ask = async (port, sql, database = 'postgres') => {
    const client = new pg.Client({ connectionString: urlOf(port, database), connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', shared_buffers: '16MB', ...settings };
  const engine = await startOnFreePort({
    name: 'PostgreSQL',
    identity,
    cwd: directory,
    // Immediate shutdown: the postmaster takes its children along.
    deathSignal: 'QUIT',
    stopSignal: 'SIGINT',
    command: (port) => [
      join(bin, 'postgres'),
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    ready: (port) => ask(port, 'SELECT 1'),
  });
  return {
    port: engine.port,
    url: urlOf(engine.port, 'postgres'),
    get pid() {
      return engine.pid;
    },
    /** Makes an empty database; answers its URL. */
    createDatabase: async (name) => {
      await ask(engine.port, `CREATE DATABASE "${name}"`);
      return urlOf(engine.port, name);
    },
    query: (sql, database) => ask(engine.port, sql, database),
    signal: (name) => engine.signal(name),
    kill: () => engine.kill(),
    start: async () => void (await engine.start()),
    stop: async () => {
      await engine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
