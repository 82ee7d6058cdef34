// Starts and stops a standalone instance as a user would, and talks to it over its public surfaces only.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/**
 * @param {{state: string, config?: string, args?: string[], wrap?: string[], env?: object, npm?: boolean}} options `wrap` is put in front of the command (taskset);
 * `npm`: by `npm start`, and what is stopped or killed is npm, as by whoever started it.
 */
export async function startInstance(options) {
  const runFile = join(options.state, 'run.json');
  rmSync(runFile, { force: true });
  const startedAt = Date.now();
  const command = [
    ...(options.wrap ?? []),
    ...(options.npm ? ['npm', '--no-update-notifier', 'start', '--'] : [process.execPath, join(root, 'dist/apps/standalone/src/main.js')]),
    '--state',
    options.state,
    ...(options.config === undefined ? [] : ['--config', options.config]),
    ...(options.args ?? ['--no-demo']),
  ];
  const child = spawn(command[0], command.slice(1), {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let output = '';
  const keep = (chunk) => (output = (output + chunk).slice(-20_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  while (!(existsSync(runFile) && output.includes('affiant ready'))) {
    const early = await Promise.race([exited, delay(20, null)]);
    if (early !== null) throw new Error(`the instance ended before it was ready (${JSON.stringify(early)}):\n${output}`);
    if (Date.now() - startedAt > 120_000) {
      child.kill('SIGKILL');
      throw new Error(`the instance was not ready after 120 s:\n${output}`);
    }
  }
  const run = JSON.parse(readFileSync(runFile, 'utf8'));
  return {
    ...run,
    state: options.state,
    child,
    startMs: Date.now() - startedAt,
    output: () => output,
    exited,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async () => {
      child.kill('SIGTERM');
      const ended = await exited;
      if (ended.code !== 0) throw new Error(`the instance ended with ${JSON.stringify(ended)}:\n${output}`);
    },
  };
}

const commandOf = (state, args) => [join(root, 'apps/cli/bin/affiant.mjs'), ...args, ...(state === null ? [] : ['--state', state])];

/** Runs `affiant …` of this clone (`state` null: a command that needs none); returns stdout. Throws with stderr when the exit code is another than `expect`. */
export function affiant(state, args, { expect = 0, input } = {}) {
  const result = spawnSync(process.execPath, commandOf(state, args), { cwd: root, encoding: 'utf8', input, maxBuffer: 1 << 30 });
  if (![expect].flat().includes(result.status))
    throw new Error(`affiant ${args.join(' ')} ended with ${result.status}, not ${expect}:\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/** The same without holding this process, for tests whose provider lives in it: a held event loop lets its connections go stale. */
export async function affiantAside(state, args, { expect = 0 } = {}) {
  const child = spawn(process.execPath, commandOf(state, args), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) child[stream].setEncoding('utf8').on('data', (chunk) => (output[stream] += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== expect) throw new Error(`affiant ${args.join(' ')} ended with ${code}, not ${expect}:\n${output.stdout}\n${output.stderr}`);
  return output.stdout;
}

export function token(state, subject, ...groups) {
  return affiant(state, ['token', '--subject', subject, ...groups.flatMap((group) => ['--group', group])]).trim();
}

/** Rows of a query through the SQL endpoint. */
export async function sql(instance, bearer, query) {
  const response = await fetch(`${instance.console}/sql?default_format=JSONEachRow`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}` },
    body: query,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`query refused (${response.status}): ${text}\n${query}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export async function until(what, check, timeoutMs = 30_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await delay(50);
  }
}
