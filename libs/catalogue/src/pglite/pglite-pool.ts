import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '#config';
import { AffiantError } from '#errors';

interface Reply {
  readonly ready?: true;
  readonly id?: number;
  readonly rows?: object[];
  readonly affected?: number;
  readonly error?: { readonly message: string; readonly code?: string };
}

interface QueryResult {
  readonly rows: object[];
  readonly rowCount: number;
  readonly command: string;
}

type QueryCallback = (error: Error | null, result?: QueryResult) => void;

/** The embedded PostgreSQL in its worker thread. One per state directory. */
export class PGliteServer {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #dead: Error | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    const die = (cause: unknown): void => {
      this.#dead = new AffiantError('catalogue_failed', 'the embedded catalogue ended', { cause });
      for (const { reject } of this.#waiting.values()) reject(this.#dead);
      this.#waiting.clear();
    };
    worker.on('message', (reply: Reply) => {
      const waiting = reply.id === undefined ? undefined : this.#waiting.get(reply.id);
      if (waiting === undefined || reply.id === undefined) return;
      this.#waiting.delete(reply.id);
      if (reply.error === undefined) waiting.resolve(reply);
      else waiting.reject(Object.assign(new Error(reply.error.message), reply.error));
    });
    worker.on('error', die);
    worker.on('exit', () => die(undefined));
  }

  /** @throws AffiantError catalogue_failed when the data directory cannot be opened. */
  static async start(directory: string): Promise<PGliteServer> {
    // Making a new data directory leaves 500 MB in the worker that did it, and WebAssembly memory never shrinks: a worker of its own, then a fresh one.
    if (!existsSync(join(directory, 'PG_VERSION'))) await (await PGliteServer.#open(directory)).close();
    return PGliteServer.#open(directory);
  }

  static async #open(directory: string): Promise<PGliteServer> {
    const worker = new Worker(join(packageRoot, 'libs/catalogue/src/pglite/pglite.worker.mjs'), { workerData: { directory } });
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', (cause) => reject(new AffiantError('catalogue_failed', 'the embedded catalogue does not start', { cause })));
    });
    return new PGliteServer(worker);
  }

  async query(sql: string, params: readonly unknown[]): Promise<QueryResult> {
    const reply = await this.#send({ sql, params: [...params] });
    const command = /^\s*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? '';
    const rows = reply.rows ?? [];
    return { rows, rowCount: command === 'SELECT' ? rows.length : (reply.affected ?? 0), command };
  }

  async close(): Promise<void> {
    const exited = new Promise<void>((resolve) => {
      this.#worker.once('exit', () => resolve());
    });
    if (this.#dead === null) await this.#send({ close: true, sql: '', params: [] });
    await exited;
  }

  #send(message: { sql: string; params: unknown[]; close?: true }): Promise<Reply> {
    if (this.#dead !== null) return Promise.reject(this.#dead);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...message });
    });
  }
}

/**
 * The `pg` surface that TypeORM uses, over one PGlite session. PGlite has a single session, so overlapping transactions would mix:
 * a connection is therefore lent to one borrower at a time, in order.
 */
export function pglitePool(server: PGliteServer): new () => EventEmitter {
  const queue: ((release: () => void) => void)[] = [];
  let lent = false;

  const next = (): void => {
    if (lent) return;
    const borrower = queue.shift();
    if (borrower === undefined) return;
    lent = true;
    let returned = false;
    borrower(() => {
      if (returned) return;
      returned = true;
      lent = false;
      next();
    });
  };

  class Connection extends EventEmitter {
    query(sql: string, params?: readonly unknown[] | QueryCallback, callback?: QueryCallback): Promise<QueryResult> | void {
      const bound = Array.isArray(params) ? params : [];
      const done = typeof params === 'function' ? params : callback;
      const answer = server.query(sql, bound);
      if (done === undefined) return answer;
      void tell(answer, done);
    }
  }

  return class Pool extends EventEmitter {
    connect(callback: (error: Error | null, connection: Connection, release: () => void) => void): void {
      queue.push((release) => callback(null, new Connection(), release));
      next();
    }

    end(callback: (error?: Error) => void): void {
      void tell(server.close(), (error) => callback(error ?? undefined));
    }
  };
}

/** From a promise to a Node callback, called outside the promise chain. */
async function tell<T>(answer: Promise<T>, callback: (error: Error | null, result?: T) => void): Promise<void> {
  const [error, result] = await answer.then(
    (value): [null, T] => [null, value],
    (reason: Error): [Error, undefined] => [reason, undefined],
  );
  queueMicrotask(() => (error === null ? callback(null, result) : callback(error)));
}
