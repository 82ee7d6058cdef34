import { ClickHouseRetentionStore, type PartitionPart, type RetentionStore, type MaintenanceOptions, type RowScope } from '#ledger-store';

/** Retention on the embedded engine: each call goes to the engine that runs now, with the login it was started with. */
export class EmbeddedRetentionStore implements RetentionStore {
  /** @param options throws engine_failed while the engine is away */
  constructor(private readonly options: () => MaintenanceOptions) {}

  frontiers(): Promise<Record<string, number>> {
    return this.#with((store) => store.frontiers());
  }

  parts(frontiers: Readonly<Record<string, number>>): Promise<PartitionPart[]> {
    return this.#with((store) => store.parts(frontiers));
  }

  holdEvents(): Promise<Buffer[]> {
    return this.#with((store) => store.holdEvents());
  }

  covered(partition: number, scope: RowScope): Promise<number> {
    return this.#with((store) => store.covered(partition, scope));
  }

  drop(partition: number, types: readonly string[], frontiers: Readonly<Record<string, number>>): Promise<void> {
    return this.#with((store) => store.drop(partition, types, frontiers));
  }

  async close(): Promise<void> {}

  async #with<T>(work: (store: RetentionStore) => Promise<T>): Promise<T> {
    const store = new ClickHouseRetentionStore(this.options());
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }
}
