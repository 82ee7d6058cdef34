// One service of the product as a process: started, killed, stopped, and restarted when it ends unasked, as a supervisor would.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const READY_MS = 90_000;
const RESTART_MS = 500;

export class ServicePart {
  #child = null;
  #gone = Promise.resolve();
  /** A process that ends while this is true was not told to. */
  #wanted = false;
  run = null;

  /**
   * @param {{name: string, kind: string, root: string, config: string, state: string, log: string, env: object, nodeArgs: string[], onExit: (exit: object) => void, onUnasked: () => void}} options
   */
  constructor(options) {
    this.options = options;
    this.name = options.name;
    this.kind = options.kind;
    this.state = options.state;
  }

  get pid() {
    return this.#child?.pid;
  }

  get alive() {
    return this.#child !== null;
  }

  /** Resolves when it says it is ready. */
  async start() {
    this.#wanted = true;
    this.#spawn();
    const until = Date.now() + READY_MS;
    while (!(await this.ready())) {
      if (Date.now() > until) throw new Error(`${this.name} was not ready in time:\n${this.tail()}`);
      if (!this.#wanted) throw new Error(`${this.name} was ended while it started`);
      await delay(50);
    }
  }

  /** Whether this very process serves. */
  async ready() {
    const file = join(this.state, 'run.json');
    if (!existsSync(file)) return false;
    let run;
    try {
      run = JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return false;
    }
    if (run.pid !== this.pid) return false;
    this.run = run;
    return fetch(`${run.metrics}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Resolves when the process is gone. It stays away until `start()`. */
  async kill(signal = 'SIGKILL') {
    this.#wanted = false;
    const child = this.#child;
    if (child === null) return;
    process.kill(child.pid, signal);
    await this.#gone;
  }

  /** SIGTERM; resolves to the exit code. */
  async stop() {
    this.#wanted = false;
    if (this.#child === null) return 0;
    process.kill(this.#child.pid, 'SIGTERM');
    const { code, signal } = await this.#gone;
    return code ?? signal;
  }

  pause() {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume() {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Value of a metric without labels of its own, or the sum over its series; null when it is not there. */
  async metric(name) {
    if (this.run === null || !this.alive) return null;
    const text = await fetch(`${this.run.metrics}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    );
    const values = text
      .split('\n')
      .flatMap((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `) ? [Number(line.split(' ').at(-1))] : []));
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
  }

  tail() {
    return existsSync(this.options.log) ? readFileSync(this.options.log, 'utf8').slice(-4_000) : '';
  }

  #spawn() {
    const { kind, root, config, state, log, env, nodeArgs } = this.options;
    rmSync(join(state, 'run.json'), { force: true });
    mkdirSync(dirname(log), { recursive: true });
    const out = openSync(log, 'a');
    const command = [process.execPath, ...nodeArgs, join(root, `dist/apps/${kind}/src/main.js`), '--config', config, '--state', state];
    // setpriv becomes the service (execve), and the kernel kills it when this process dies, however it dies.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      cwd: root,
      stdio: ['ignore', out, out],
      env: { ...process.env, ...env },
    });
    closeSync(out);
    this.#child = child;
    this.#gone = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    void this.#gone.then((how) => this.#ended(child, how));
  }

  #ended(child, { code, signal }) {
    if (this.#child === child) this.#child = null;
    const unasked = this.#wanted;
    this.options.onExit({ name: this.name, code, signal, at: Date.now(), unasked });
    if (!unasked) return;
    setTimeout(() => {
      if (this.#wanted && this.#child === null) this.#spawn();
    }, RESTART_MS);
  }
}
