import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockDirectory, makeDirectoryDurably, writeFileDurably, type DirectoryLock } from '#durable';
import { AffiantError } from '#errors';

/** What scripts read to find a running instance. */
export interface RunFile {
  readonly pid: number;
  readonly gateway: string;
  readonly console: string;
  readonly issuer: string | null;
  readonly demo: 'off' | 'running' | 'passed' | 'failed';
  readonly packets: readonly string[];
}

/** The state directory of one instance: everything it keeps, behind one lock. */
export class State {
  private constructor(
    readonly directory: string,
    private readonly lock: DirectoryLock,
  ) {}

  /** @throws AffiantError state_locked while another process uses it. */
  static async open(path: string): Promise<State> {
    const directory = resolve(path);
    await makeDirectoryDurably(directory);
    const lock = await lockDirectory(directory, 'standalone');
    if (lock === null) throw new AffiantError('state_locked', 'another process uses this state directory', { where: directory });
    const state = new State(directory, lock);
    await state.forgetRun();
    return state;
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  /** Atomic: a reader sees the old file or the new one. */
  writeRun(run: RunFile): Promise<void> {
    return writeFileDurably(this.path('run.json'), `${JSON.stringify(run, null, 2)}\n`);
  }

  forgetRun(): Promise<void> {
    return rm(this.path('run.json'), { force: true });
  }

  async close(): Promise<void> {
    await this.forgetRun();
    await this.lock.release();
  }
}
