// A real Redis server of the machine (Debian's redis-server), for tests: every acknowledged write is on disk.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebian, missing } from '../tools.mjs';
import { findProgram, startOnFreePort } from './engine-process.mjs';

/** True when the engine can run here; says loudly what is missing when it cannot. */
export function hasRedis() {
  if (ensureDebian(() => findProgram('redis-server') !== null, ['redis-server'])) return true;
  missing('Redis', 'apt-get install redis-server');
  return false;
}

export async function startRedis({ settings = {} } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-redis-'));
  const all = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction', save: '', ...settings };
  const engine = await startOnFreePort({
    name: 'Redis',
    cwd: directory,
    command: (port) => [
      'redis-server',
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      directory,
      ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    ready: ping,
  });
  return {
    port: engine.port,
    url: `redis://127.0.0.1:${engine.port}`,
    get pid() {
      return engine.pid;
    },
    signal: (name) => engine.signal(name),
    kill: () => engine.kill(),
    start: async () => void (await engine.start()),
    stop: async () => {
      await engine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Throws until the server has loaded its data and answers. */
function ping(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      if (String(answer).startsWith('+PONG')) resolve();
      else reject(new Error(String(answer)));
    });
  });
}
