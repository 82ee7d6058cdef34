import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockDirectory, makeDirectoryDurably, writeFileDurably, type DirectoryLock } from '#durable';
import { AffiantError } from '#errors';

/** The state directory of one process: everything it keeps, behind one lock. */
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

  /** What scripts and the CLI read to find a running process. Atomic: a reader sees the old file or the new one. */
  writeRun(run: { readonly pid: number }): Promise<void> {
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
