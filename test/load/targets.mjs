// What is measured, each started fresh and pinned to core 0: a bare Node pipe, Portkey, ours with everything on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, startInstance, token } from '../support/instance.mjs';
import { processTree } from '../support/cpu.mjs';
import { benchConfig } from './bench-config.mjs';
import { missing, npmProject } from '../support/tools.mjs';

const PIN = existsSync('/usr/bin/taskset') ? (core) => ['/usr/bin/taskset', '-c', String(core)] : () => [];
export const GATEWAY = PIN(0);
export const LOAD = PIN(1);

/** A run that fails or is interrupted leaves nothing running: what was started ends with this process. */
const running = new Set();
export function watched(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
process.on('exit', () => {
  focusOn(null);
  running.forEach((child) => child.kill('SIGKILL'));
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

const targets = new Set();
function target(one) {
  targets.add(one);
  return one;
}

let focused = null;
/** Remembered one by one: what has lost its parent meanwhile is found in no tree any more, and would stand still for ever. */
const stopped = new Set();
/**
 * Lets only this target run, or all for `null`: they share a core, and what one does behind its load (merges, sealing, collections) would be counted as
 * the latency of the next. What is no target, as the upstream itself, has the core free.
 */
export function focusOn(one) {
  if (one !== null && one === focused) return;
  focused = one;
  const its = one === null || !targets.has(one) ? [] : processTree(one.pid).pids;
  for (const pid of one === null ? [...stopped] : its) if (stopped.delete(pid)) send(pid, 'SIGCONT');
  if (one === null) return;
  for (const each of targets) {
    if (each === one) continue;
    for (const pid of processTree(each.pid).pids) {
      stopped.add(pid);
      send(pid, 'SIGSTOP');
    }
  }
}

function send(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}

/** Starts a script that prints {"port": n} and returns it with its process. */
export async function script(wrap, file, ...args) {
  const command = [...wrap, process.execPath, join(root, file), ...args];
  const child = watched(spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] }));
  const [line] = await once(child.stdout, 'data');
  return { child, pid: child.pid, ...JSON.parse(line.toString()), stop: () => child.kill('SIGTERM') };
}

export async function nodePipe(upstream) {
  const started = await script(GATEWAY, 'test/load/pipe.mjs', upstream);
  return target({
    name: 'node pipe',
    pid: started.pid,
    url: `http://127.0.0.1:${started.port}/v1/messages`,
    headers: { 'x-api-key': 'bench' },
    stop: async () => started.stop(),
  });
}

export async function portkey(upstream) {
  let modules;
  try {
    modules = npmProject('portkey-1.15.2', join(root, 'test/load/portkey'));
  } catch (error) {
    missing('Portkey', error.message);
    return null;
  }
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  // It listens on every interface; the preload keeps it on loopback.
  const preload = join(mkdtempSync(join(tmpdir(), 'affiant-portkey-')), 'loopback.cjs');
  writeFileSync(
    preload,
    `const net = require('node:net'); const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  if (typeof args[0] === 'object' && args[0] !== null && 'port' in args[0]) args[0] = { ...args[0], host: '127.0.0.1' };
  else if (typeof args[0] === 'number') args = [args[0], '127.0.0.1', ...args.slice(1).filter((a) => typeof a === 'function')];
  return listen.apply(this, args);
};`,
  );
  const command = [
    ...GATEWAY,
    process.execPath,
    '-r',
    preload,
    join(modules, '@portkey-ai/gateway/build/start-server.js'),
    `--port=${port}`,
    '--headless',
  ];
  const child = watched(
    spawn(command[0], command.slice(1), {
      stdio: 'ignore',
      env: { ...process.env, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    }),
  );
  for (let i = 0; ; i += 1) {
    const up = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (up) break;
    if (i > 200) {
      missing('Portkey', 'it did not start');
      return null;
    }
    await delay(50);
  }
  return target({
    name: 'portkey',
    pid: child.pid,
    url: `http://127.0.0.1:${port}/v1/messages`,
    headers: { 'x-api-key': 'bench', 'x-portkey-provider': 'anthropic', 'x-portkey-custom-host': `${upstream}/v1` },
    stop: async () => child.kill('SIGKILL'),
  });
}

/** The gateway alone, as design.md §9 measures it: everything on but the ledger, which the peers do not have. */
export async function gatewayAlone(upstream) {
  const started = await script(GATEWAY, 'test/load/gateway.mjs', upstream);
  return target({
    name: 'affiant gateway',
    pid: started.pid,
    url: `http://127.0.0.1:${started.port}/c/bench/v1/messages`,
    headers: { 'x-api-key': started.token },
    journal: started.journal,
    stop: async () => started.stop(),
  });
}

/** The whole standalone process with its ledger, catalogue and engine child. `look` is given the state directory when it has ended, before that is deleted. */
export async function ours(upstream) {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-bench-'));
  const state = join(directory, 'var');
  mkdirSync(state, { recursive: true });
  writeFileSync(join(directory, 'upstream.key'), 'bench-upstream-key', { mode: 0o600 });
  const config = join(directory, 'affiant.yaml');
  writeFileSync(config, benchConfig(upstream, join(directory, 'upstream.key')));
  const instance = await startInstance({ state, config, wrap: GATEWAY });
  watched(instance.child);
  const bearer = token(state, 'bench', 'engineering', 'auditors');
  return target({
    name: 'affiant standalone',
    pid: instance.pid,
    instance,
    bearer,
    url: `${instance.gateway}/c/bench/v1/messages`,
    headers: { 'x-api-key': bearer },
    stop: async (look = async () => undefined) => {
      await instance.stop();
      await look(state);
      rmSync(directory, { recursive: true, force: true });
    },
  });
}
