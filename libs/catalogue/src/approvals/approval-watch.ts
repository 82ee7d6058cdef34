import type { ApprovalRow } from '../entities.js';

/** How often what is watched is looked at, for changes made by another process. Milliseconds. */
const POLL_MS = 200;
/** Approvals looked at by one query. */
const CHUNK = 5_000;

type Listener = (row: ApprovalRow) => void;

/** What the watch needs from the database. */
export interface WatchedRows {
  versions(ids: readonly string[]): Promise<readonly { readonly id: string; readonly version: number }[]>;
  rows(ids: readonly string[]): Promise<readonly ApprovalRow[]>;
}

/**
 * Tells listeners of changed approvals, each version at most once and never an older one after a newer one. One poll serves all that
 * is watched in this process and reads whole rows only of what changed; nothing is polled while nothing is watched.
 */
export class ApprovalWatch {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #told = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #polling = false;

  constructor(private readonly database: WatchedRows) {}

  add(id: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    this.#timer ??= setInterval(() => void this.#poll(), POLL_MS).unref();
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(id) !== listeners) return;
      this.#listeners.delete(id);
      this.#told.delete(id);
      if (this.#listeners.size > 0 || this.#timer === null) return;
      clearInterval(this.#timer);
      this.#timer = null;
    };
  }

  tell(row: ApprovalRow): void {
    const listeners = this.#listeners.get(row.id);
    if (listeners === undefined || this.#known(row.id) >= row.version) return;
    this.#told.set(row.id, row.version);
    for (const listener of listeners) listener(row);
  }

  /** Version 1 is the approval as it was opened: no change to tell. */
  #known(id: string): number {
    return this.#told.get(id) ?? 1;
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      const ids = [...this.#listeners.keys()];
      for (let at = 0; at < ids.length; at += CHUNK) {
        const versions = await this.database.versions(ids.slice(at, at + CHUNK));
        const changed = versions.filter(({ id, version }) => version > this.#known(id)).map(({ id }) => id);
        if (changed.length > 0) for (const row of await this.database.rows(changed)) this.tell(row);
      }
    } catch {
      // The database is away: the next turn looks again; whoever waits has a deadline of its own.
    } finally {
      this.#polling = false;
    }
  }
}
