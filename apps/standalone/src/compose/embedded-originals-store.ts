import {
  ClickHouseOriginalsStore,
  type MaintenanceOptions,
  type OriginalsEvent,
  type OriginalsScope,
  type OriginalsStore,
} from '#ledger-store';

/** Looks for sealed originals on the embedded engine: each goes to the engine that runs now, with the login it was started with. */
export class EmbeddedOriginalsStore implements Omit<OriginalsStore, 'close'> {
  /** @param options throws engine_failed while the engine is away */
  constructor(private readonly options: () => MaintenanceOptions) {}

  sessionOf(exchange: string): Promise<string | null> {
    return this.#with((store) => store.sessionOf(exchange));
  }

  carrying(scope: OriginalsScope, limit: number): Promise<OriginalsEvent[]> {
    return this.#with((store) => store.carrying(scope, limit));
  }

  segmentsOf(exchange: string): Promise<string[]> {
    return this.#with((store) => store.segmentsOf(exchange));
  }

  async #with<T>(work: (store: OriginalsStore) => Promise<T>): Promise<T> {
    const store = new ClickHouseOriginalsStore(this.options());
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }
}
