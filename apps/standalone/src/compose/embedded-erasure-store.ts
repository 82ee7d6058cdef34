import { ClickHouseErasureStore, type ErasureStore, type MaintenanceOptions, type RowScope, type SessionContent } from '#ledger-store';

/** Erasures on the embedded engine: each call goes to the engine that runs now, with the login it was started with. */
export class EmbeddedErasureStore implements ErasureStore {
  /** @param options throws engine_failed while the engine is away */
  constructor(private readonly options: () => MaintenanceOptions) {}

  contentOf(session: string): Promise<SessionContent> {
    return this.#with((store) => store.contentOf(session));
  }

  coveredOf(session: string, scope: RowScope): Promise<number> {
    return this.#with((store) => store.coveredOf(session, scope));
  }

  holdEvents(): Promise<Buffer[]> {
    return this.#with((store) => store.holdEvents());
  }

  erasureEvents(): Promise<Buffer[]> {
    return this.#with((store) => store.erasureEvents());
  }

  deleteContent(keys: readonly string[]): Promise<number> {
    return keys.length === 0 ? Promise.resolve(0) : this.#with((store) => store.deleteContent(keys));
  }

  async close(): Promise<void> {}

  async #with<T>(work: (store: ErasureStore) => Promise<T>): Promise<T> {
    const store = new ClickHouseErasureStore(this.options());
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }
}
