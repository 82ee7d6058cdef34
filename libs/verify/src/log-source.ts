import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { AffiantError } from '#errors';
import { isStampPath } from '#timestamp';
import { isTilePath } from '#tlog';

/** Port: where a log lies. Read only; nothing about it is trusted. */
export interface LogSource {
  /** Name for people. */
  readonly name: string;
  /** Bytes at a path of C2SP tlog-tiles, or null when there are none. */
  get(path: string): Buffer | null | Promise<Buffer | null>;
  /** Paths of all files, when the place can list them: without it, files that do not belong to the tree are not seen. */
  list?(): Iterable<string>;
  /** Paths of the time stamps and stamped checkpoints, when the place can list them. */
  stamps?(): Iterable<string>;
}

/** A bundle of 256 entries of 65,535 bytes has 16.8 MB. */
const MAX_FILE = 17 * 1024 * 1024;

/** A directory. Reads are synchronous: tiles are small and many, and a thread-pool round trip costs more than checking one. */
export class DirectorySource implements LogSource {
  constructor(readonly name: string) {}

  get(path: string): Buffer | null {
    if (path !== 'checkpoint' && path !== 'checkpoint.cosigned' && !isTilePath(path) && !isStampPath(path))
      throw new AffiantError('usage_invalid', `not a tile path: ${path}`);
    let file: number;
    try {
      file = openSync(join(this.name, path), 'r');
    } catch (cause) {
      if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return null;
      throw new AffiantError('usage_invalid', 'the file cannot be read', { where: path, cause });
    }
    try {
      const { size } = fstatSync(file);
      if (size > MAX_FILE) return Buffer.alloc(0);
      const bytes = Buffer.allocUnsafe(size);
      for (let at = 0; at < size;) {
        const read = readSync(file, bytes, at, size - at, at);
        if (read === 0) return bytes.subarray(0, at);
        at += read;
      }
      return bytes;
    } catch (cause) {
      // A directory where a file should be is no tile either.
      if ((cause as NodeJS.ErrnoException).code === 'EISDIR') return null;
      throw new AffiantError('usage_invalid', 'the file cannot be read', { where: path, cause });
    } finally {
      closeSync(file);
    }
  }

  list(): Iterable<string> {
    return this.#under('tile');
  }

  *stamps(): Iterable<string> {
    for (const path of this.#under('stamps')) if (isStampPath(path)) yield path;
  }

  *#under(folder: string): Iterable<string> {
    const open = [join(this.name, folder)];
    for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
      let entries;
      try {
        entries = readdirSync(directory, { withFileTypes: true });
      } catch {
        continue;
      }
      for (const entry of entries) {
        const full = join(directory, entry.name);
        if (entry.isDirectory()) open.push(full);
        else yield relative(this.name, full).split(sep).join('/');
      }
    }
  }
}

/** A log behind HTTP(S), as a static file server or an object store hands it out. */
export class HttpSource implements LogSource {
  readonly #base: string;

  constructor(
    readonly name: string,
    private readonly fetcher: typeof fetch = fetch,
  ) {
    this.#base = name.endsWith('/') ? name : `${name}/`;
  }

  async get(path: string): Promise<Buffer | null> {
    let response: Response;
    try {
      response = await this.fetcher(new URL(path, this.#base), { redirect: 'error', signal: AbortSignal.timeout(60_000) });
    } catch (cause) {
      throw new AffiantError('instance_unreachable', 'the log does not answer', { where: `${this.#base}${path}`, cause });
    }
    if (response.status === 404 || response.status === 403) return null;
    if (!response.ok)
      throw new AffiantError('instance_unreachable', `the log answers ${response.status}`, { where: `${this.#base}${path}` });
    const bytes = Buffer.from(await response.arrayBuffer());
    return bytes.length > MAX_FILE ? Buffer.alloc(0) : bytes;
  }
}
