import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createLogger } from '#observability';
import { engineArguments, freePort, startEmbeddedEngine } from './embedded-engine.js';

/** A parent of the engine that does nothing else, so that it can be killed without killing the test. */
const PARENT = `
const { spawn } = require('node:child_process');
const child = spawn(process.execPath, JSON.parse(process.argv[1]), { detached: true, env: {}, stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
child.stdin.write('hold\\n');
process.stdout.write(child.pid + '\\n');
setInterval(() => undefined, 60_000);
`;

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function until(done: () => Promise<boolean> | boolean, ms: number): Promise<number> {
  const from = Date.now();
  while (!(await done())) {
    if (Date.now() - from > ms) throw new Error(`not within ${ms} ms`);
    await wait(20);
  }
  return Date.now() - from;
}

describe('death of the engine’s parent', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('%s of the parent ends the engine, also in the middle of a query', async (signal) => {
    const directory = mkdtempSync(join(tmpdir(), 'engine-'));
    const first = await startEmbeddedEngine({ stateDirectory: directory, logger: createLogger('test', { level: 'silent' }) });
    await first.stop();
    // The files of the first start serve the second, including its secrets.
    const port = await freePort();
    const files = { data: join(directory, 'engine/data'), config: join(directory, 'engine/config.xml') };
    const parent = spawn(process.execPath, ['-e', PARENT, JSON.stringify(engineArguments(files, port))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    const headers = { ...first.access.headers };
    await until(
      () =>
        fetch(`http://127.0.0.1:${port}/ping`, { headers }).then(
          (answer) => answer.ok,
          () => false,
        ),
      20_000,
    );

    const { user, password } = first.access.readers.auditor;
    const slow = fetch(`http://127.0.0.1:${port}/?${new URLSearchParams({ user, password }).toString()}`, {
      method: 'POST',
      body: 'SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 0',
      headers,
    }).then((answer) => answer.text());
    const dropped = expect(slow).rejects.toThrow();
    parent.kill(signal);
    const ms = await until(() => !alive(pid), 15_000);
    await dropped.catch(() => undefined);
    expect(ms).toBeLessThan(15_000);
    expect(readFileSync(files.config, 'utf8')).toContain('X-Engine-Key');
    rmSync(directory, { recursive: true, force: true });
  });
});
