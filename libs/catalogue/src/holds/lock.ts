import type { DataSource, EntityManager } from 'typeorm';
import { askCatalogue } from '../ask.js';

/** Any constant: it names "holds against drops and erasures" among the advisory locks of the database. Freed at the end of the transaction, also by a crash. */
const LOCK = 5_820_003;

/** A transaction that alone looks at holds and decides about what they stop. */
export function holdingLock<T>(source: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  return askCatalogue(() =>
    source.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      return work(manager);
    }),
  );
}
