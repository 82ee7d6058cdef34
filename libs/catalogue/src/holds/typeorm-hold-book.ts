import { In, type DataSource, type EntityManager } from 'typeorm';
import { AffiantError } from '#errors';
import type { Principal } from '#events';
import { askCatalogue } from '../ask.js';
import { DropEntity, HoldEntity } from './entities.js';
import { coversMonth } from './month.js';
import type { Hold, HoldBook, RetentionDrop } from './port.js';

/** Any constant: it names "holds against drops" among the advisory locks of the database. Freed at the end of the transaction, also by a crash. */
const LOCK = 5_820_003;

/** Holds and drops in PostgreSQL, or in PGlite. */
export class TypeormHoldBook implements HoldBook {
  constructor(private readonly source: DataSource) {}

  place(hold: Hold): Promise<{ readonly hold: Hold; readonly late: readonly RetentionDrop[] }> {
    return this.#alone(async (manager) => {
      await manager
        .createQueryBuilder()
        .insert()
        .into(HoldEntity)
        .values({ ...hold })
        .orIgnore()
        .execute();
      const dropping = await manager.find(DropEntity, { where: { state: 'dropping' } });
      return { hold: await found(manager, hold.id), late: dropping.filter(({ partition }) => coversMonth(hold.scope, partition)) };
    });
  }

  release(id: string, by: Principal, reason: string, at: number): Promise<Hold> {
    return this.#alone(async (manager) => {
      const hold = await found(manager, id);
      if (hold.state === 'released') throw new AffiantError('conflict', 'the hold is released already');
      await manager.update(HoldEntity, { id }, { state: 'released', released_by: by as never, released_at: at, release_reason: reason });
      return found(manager, id);
    });
  }

  get(id: string): Promise<Hold | null> {
    return askCatalogue(() => this.source.manager.findOneBy(HoldEntity, { id }));
  }

  list(state?: Hold['state'], limit = 1_000): Promise<Hold[]> {
    const where = state === undefined ? {} : { state };
    return askCatalogue(() => this.source.manager.find(HoldEntity, { where, order: { placed_at: 'DESC', id: 'DESC' }, take: limit }));
  }

  intend(drop: RetentionDrop): Promise<RetentionDrop> {
    return askCatalogue(async () => {
      await this.source.manager
        .createQueryBuilder()
        .insert()
        .into(DropEntity)
        .values({ ...drop })
        .orIgnore()
        .execute();
      return this.source.manager.findOneByOrFail(DropEntity, { id: drop.id });
    });
  }

  begin(id: string, seen: readonly string[]): Promise<boolean> {
    return this.#alone(async (manager) => {
      const active = await manager.find(HoldEntity, { where: { state: 'placed' }, select: { id: true } });
      if (active.some((hold) => !seen.includes(hold.id))) return false;
      const { affected } = await manager.update(DropEntity, { id, state: 'intended' }, { state: 'dropping' });
      // The point from which a hold comes too late. A crash here leaves a drop that the next run finishes.
      if (affected !== 1) throw new AffiantError('conflict', 'the drop is not intended any more', { where: id });
      return true;
    });
  }

  async end(id: string, state: 'dropped' | 'abandoned', at: number): Promise<void> {
    await askCatalogue(() => this.source.manager.update(DropEntity, { id }, { state, ended_at: at }));
  }

  drops(states?: readonly RetentionDrop['state'][], limit = 1_000): Promise<RetentionDrop[]> {
    const where = states === undefined ? {} : { state: In([...states]) };
    return askCatalogue(() => this.source.manager.find(DropEntity, { where, order: { intended_at: 'DESC', id: 'DESC' }, take: limit }));
  }

  #alone<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return askCatalogue(() =>
      this.source.transaction(async (manager) => {
        await manager.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
        return work(manager);
      }),
    );
  }
}

async function found(manager: EntityManager, id: string): Promise<Hold> {
  const hold = await manager.findOneBy(HoldEntity, { id });
  if (hold === null) throw new AffiantError('not_found', 'there is no such hold');
  return hold;
}
