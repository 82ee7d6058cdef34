// A witness by other people (transparency-dev/witness, C2SP tlog-witness) on loopback, for tests. What it witnessed lives in its memory.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goTool } from '../go-tool.mjs';
import { startOnFreePort } from './engine-process.mjs';

const folder = fileURLToPath(new URL('../../oracles/go', import.meta.url));

/** False, said loudly, when it cannot be built here (with CI=true: throws). */
export function hasWitness() {
  return goTool('witness', folder) !== null;
}

/** @param {{logs: string[], name?: string, program?: string}} options `logs`: vkeys; the name of a key is its log's origin. */
export async function startWitness({ logs, name = 'witness.example/third-party', program = goTool('witness', folder) }) {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-witness-'));
  const engine = await startOnFreePort({
    name: 'the witness',
    readyMs: 120_000,
    command: (port) => [
      program,
      '-listen',
      `127.0.0.1:${port}`,
      '-dir',
      directory,
      '-name',
      name,
      ...logs.flatMap((vkey) => ['-log', vkey]),
    ],
    ready: async (port) => void (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) })),
  });
  return {
    url: `http://127.0.0.1:${engine.port}`,
    port: engine.port,
    /** Of its cosignatures (signature type 0x04). */
    vkey: readFileSync(join(directory, 'vkey'), 'utf8').trim(),
    get pid() {
      return engine.pid;
    },
    signal: (signal) => engine.signal(signal),
    kill: () => engine.kill(),
    /** With the same key, but as if it had never seen a log. */
    start: async () => void (await engine.start()),
    stop: async () => {
      await engine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
