// What every test engine has in common: a free port, a child that dies with the test process, a ready check, kill and restart.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Path of a program, or null. */
export function findProgram(name) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

/**
 * One server process that can be killed and started again. `command(port)` is what runs; `ready(port)` throws until it serves.
 * The kernel sends `deathSignal` when the test process dies, however it dies.
 */
export class EngineProcess {
  #child = null;
  #exited = Promise.resolve();
  #output = '';

  constructor(options) {
    this.options = { deathSignal: 'KILL', stopSignal: 'SIGTERM', readyMs: 30_000, ...options };
    this.port = options.port;
  }

  get pid() {
    if (this.#child === null) throw new Error(`${this.options.name} does not run`);
    return this.#child.pid;
  }

  async start() {
    if (this.#child !== null) throw new Error(`${this.options.name} runs already`);
    const { command, env, cwd, deathSignal, identity = [] } = this.options;
    // setpriv becomes the program itself (execve), so the process id is the server's.
    const line = ['setpriv', ...identity, '--pdeathsig', deathSignal, ...command(this.port)];
    const child = spawn(line[0], line.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], cwd, env: { ...process.env, ...env } });
    this.#child = child;
    this.#output = '';
    const keep = (chunk) => (this.#output = (this.#output + chunk).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // A server's children may hold the pipes longer than it lives; they must not hold the test.
    for (const stream of [child.stdout, child.stderr]) stream.unref?.();
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => resolve((this.#output += String(error))));
      child.once('exit', (code, signal) => resolve(`${code ?? signal}`));
    }).then((how) => {
      if (this.#child === child) this.#child = null;
      return how;
    });
    const deadline = Date.now() + this.options.readyMs;
    for (;;) {
      if (this.#child !== child) throw new Error(`${this.options.name} ended before it was ready:\n${this.#output}`);
      try {
        await this.options.ready(this.port);
        return this;
      } catch (cause) {
        if (Date.now() > deadline) {
          await this.kill();
          throw new Error(`${this.options.name} was not ready in time:\n${this.#output}`, { cause });
        }
      }
      await delay(20);
    }
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill() {
    await this.#end('SIGKILL');
  }

  async stop() {
    await this.#end(this.options.stopSignal);
  }

  /** Suspends or continues the process without ending it. */
  signal(name) {
    process.kill(this.pid, name);
  }

  async #end(signal) {
    if (this.#child === null) return;
    const exited = this.#exited;
    this.#child.kill(signal);
    if ((await Promise.race([exited, delay(10_000, null, { ref: false })])) === null) {
      this.#child?.kill('SIGKILL');
      await exited;
    }
  }
}

/** Starts with a fresh port, another one when somebody took it meanwhile. */
export async function startOnFreePort(options) {
  for (let attempt = 1; ; attempt += 1) {
    const engine = new EngineProcess({ ...options, port: await freePort() });
    try {
      return await engine.start();
    } catch (error) {
      if (attempt >= 3 || !/in use/i.test(String(error))) throw error;
    }
  }
}
