import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { packageRoot } from '#config';
import { AffiantError } from '#errors';
import type { Logger } from '#observability';
import type { EngineAccess } from '../port.js';
import {
  ENGINE_KEY_HEADER,
  ERASER,
  MIGRATOR,
  RETENTION,
  READER_ROLES,
  WRITER,
  engineConfig,
  usersConfig,
  type EngineSecrets,
} from './engine-config.js';
import { DEFAULT_LIMITS, type EngineLimits } from './limits.js';
import { logTail } from './log-tail.js';

export interface EngineLogin {
  readonly user: string;
  readonly password: string;
}

export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True after stop(); false means that the engine died and must be started again. */
  readonly expected: boolean;
  /** Last lines of the engine's log. */
  readonly logTail: string;
}

/** A running engine process. Secrets and port are new at every start. */
export interface EmbeddedEngine {
  readonly access: EngineAccess;
  /** May insert and select. */
  readonly writer: EngineLogin;
  /** May make and change tables and views; for `migrate` only. */
  readonly migrator: EngineLogin;
  /** Removes what its retention has ended; nobody else can. */
  readonly retention: EngineLogin;
  /** Deletes opened content whose key was destroyed; it can delete nothing else. */
  readonly eraser: EngineLogin;
  readonly pid: number;
  /** Resolves once, when the process is gone for whatever reason. */
  readonly exited: Promise<EngineExit>;
  /** Ends the engine; acknowledged rows are on disk. Resolves when the process is gone. May be called again. */
  stop(): Promise<void>;
  /**
   * After `exited`: starts it again on the same data, address and secrets, so that everyone who holds them goes on.
   * @throws AffiantError engine_failed
   */
  restart(): Promise<EmbeddedEngine>;
}

export interface EmbeddedEngineOptions {
  /** State directory of the instance: uses `engine/` and `log/` in it. */
  readonly stateDirectory: string;
  readonly logger: Logger;
  readonly limits?: Partial<EngineLimits>;
  /** Called with plain words while it starts. */
  readonly progress?: (step: string) => void;
}

const START_DEADLINE_MS = 60_000;
/** How long the engine may take after its pipe closed (it waits for open connections), after SIGTERM, after SIGKILL. */
const STOP_STEPS_MS = [1_500, 5_000, 5_000];
/** What the engine says while the previous one still holds the data directory, e.g. right after a kill -9 of its parent. */
const LOCKED = /Cannot lock file/;
const PORT_TAKEN = /Address already in use/;

/**
 * Starts the ClickHouse engine of npm `chdb` as a child process with an HTTP listener on loopback (docs/adr/0002-embedded-clickhouse.md).
 * The child ends when this process ends, also by kill -9.
 * @throws AffiantError engine_failed, with the tail of the engine's log as cause.
 */
export function startEmbeddedEngine(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  return start(options, newSecrets(), null);
}

async function start(options: EmbeddedEngineOptions, secrets: EngineSecrets, fixedPort: number | null): Promise<EmbeddedEngine> {
  const files = layout(options.stateDirectory);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  writeSecret(files.config, engineConfig({ usersFile: files.users, logFile: files.log, secrets, limits }));
  writeSecret(files.users, usersConfig(secrets, limits));
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    const port = fixedPort ?? (await freePort());
    const url = `http://127.0.0.1:${port}`;
    options.progress?.('starting the ledger engine');
    const running = launch(files, port, options.logger);
    const state = await ready(running, url, secrets.key, deadline);
    if (state === 'ready') {
      options.progress?.('ledger engine is ready');
      const restart = (): Promise<EmbeddedEngine> => running.exited.then(() => start(options, secrets, port));
      const logins = {
        retention: { user: RETENTION, password: secrets.retention },
        eraser: { user: ERASER, password: secrets.eraser },
        writer: { user: WRITER, password: secrets.writer },
        migrator: { user: MIGRATOR, password: secrets.migrator },
      };
      return { ...running, access: access(url, secrets), ...logins, restart };
    }
    await running.stop();
    // What it said this time; the log also holds earlier starts.
    const said = logTail(files.stderr);
    const again = LOCKED.test(said) || PORT_TAKEN.test(said);
    if (state === 'late' || !again || Date.now() > deadline) {
      const { code, signal } = await running.exited;
      const cause = new Error(`ended with ${signal ?? code}: ${said}${logTail(files.log)}`);
      throw new AffiantError('engine_failed', 'The ledger engine did not start.', { where: files.log, cause });
    }
    options.progress?.('waiting for the previous ledger engine to end');
    await wait(250);
  }
}

interface Layout {
  readonly config: string;
  readonly users: string;
  readonly data: string;
  readonly log: string;
  readonly stderr: string;
}

function layout(stateDirectory: string): Layout {
  const engine = join(stateDirectory, 'engine');
  const log = join(stateDirectory, 'log');
  mkdirSync(engine, { recursive: true, mode: 0o700 });
  mkdirSync(log, { recursive: true, mode: 0o700 });
  return {
    config: join(engine, 'config.xml'),
    users: join(engine, 'users.xml'),
    data: join(engine, 'data'),
    log: join(log, 'engine.log'),
    stderr: join(log, 'engine.stderr.log'),
  };
}

const newSecret = (): string => randomBytes(32).toString('hex');

function newSecrets(): EngineSecrets {
  return {
    key: newSecret(),
    writer: newSecret(),
    migrator: newSecret(),
    retention: newSecret(),
    eraser: newSecret(),
    readers: { auditor: newSecret(), examiner: newSecret(), evidence: newSecret() },
  };
}

/** Removed first: the mode of an existing file would stay as it is. */
function writeSecret(file: string, text: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}

function access(url: string, secrets: EngineSecrets): EngineAccess {
  const readers = Object.fromEntries(READER_ROLES.map((role) => [role, { user: role, password: secrets.readers[role] }]));
  return { url, headers: { [ENGINE_KEY_HEADER]: secrets.key }, readers: readers as EngineAccess['readers'] };
}

/** Arguments of the Node process that becomes the engine. */
export function engineArguments(files: { readonly data: string; readonly config: string }, port: number): string[] {
  const argv = ['clickhouse', '--path', files.data, '--config-file', files.config, '--log-level', 'warning'];
  argv.push('--listen_host', '127.0.0.1', '--http_port', String(port), '--multiquery', '--query');
  // The second statement blocks on the pipe its parent holds: the engine lives as long as that pipe.
  argv.push("SYSTEM START LISTEN HTTP; SELECT count() FROM file('stdin', 'LineAsString')");
  return [join(packageRoot, 'libs/ledger-store/engine/child.mjs'), JSON.stringify(argv)];
}

type Running = Pick<EmbeddedEngine, 'pid' | 'exited' | 'stop'>;

function launch(files: Layout, port: number, logger: Logger): Running {
  const stderr = openSync(files.stderr, 'w', 0o600);
  // `detached`: an interrupt typed at our terminal must reach us only, because we still have to drain into the engine.
  // `env`: none of our secrets are the engine's business.
  const child = spawn(process.execPath, engineArguments(files, port), {
    cwd: packageRoot,
    detached: true,
    env: { TZ: 'UTC' },
    stdio: ['pipe', 'ignore', stderr, 'pipe'],
  });
  closeSync(stderr);
  for (const pipe of [child.stdin, child.stdio[3]]) pipe?.on('error', () => undefined);
  child.stdin?.write('hold\n');
  let stopping: Promise<void> | undefined;
  const exited = new Promise<EngineExit>((resolve) => {
    const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
      const expected = stopping !== undefined;
      if (!expected) logger.error({ code, signal }, 'the ledger engine ended unasked');
      resolve({ code, signal, expected, logTail: logTail(files.log) });
    };
    child.once('exit', gone);
    child.once('error', () => gone(null, null));
  });
  const stop = (): Promise<void> => (stopping ??= end(child, exited));
  return { pid: child.pid ?? -1, exited, stop };
}

/**
 * Closes the pipe, then insists. Ending it hard is safe: every acknowledged insert is already fsynced, and what was not acknowledged is
 * replayed by token.
 */
async function end(child: ChildProcess, exited: Promise<EngineExit>): Promise<void> {
  const steps = [() => child.stdin?.end(), () => child.kill('SIGTERM'), () => child.kill('SIGKILL')];
  for (const [index, step] of steps.entries()) {
    step();
    const timer = new AbortController();
    const late = wait(STOP_STEPS_MS[index], false, { signal: timer.signal }).catch(() => false);
    const gone = await Promise.race([exited.then(() => true), late]);
    timer.abort();
    if (gone) return;
  }
}

async function ready(running: Running, url: string, key: string, deadline: number): Promise<'ready' | 'gone' | 'late'> {
  let gone = false;
  void running.exited.then(() => (gone = true));
  while (Date.now() < deadline) {
    if (gone) return 'gone';
    if (await answers(url, key)) return 'ready';
    await wait(20);
  }
  return 'late';
}

/** Without keep-alive: an idle connection would hold up a later stop. */
function answers(url: string, key: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${url}/ping`, { agent: false, headers: { [ENGINE_KEY_HEADER]: key }, timeout: 2000 }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode === 200));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}

/** A port that was free a moment ago; a lost race shows as PORT_TAKEN and the start is tried again. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
