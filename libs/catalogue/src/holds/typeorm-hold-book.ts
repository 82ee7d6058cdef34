import { In, type DataSource, type EntityManager } from 'typeorm';
import { AffiantError } from '#errors';
import type { Principal } from '#events';
import { askCatalogue } from '../ask.js';
import { ErasureEntity } from '../erasures/entity.js';
import { DropEntity, HoldEntity } from './entities.js';
import { holdingLock } from './lock.js';
import { coversMonth } from './month.js';
import type { Hold, HoldBook, PlacedHold, RetentionDrop } from './port.js';

/** Holds and drops in PostgreSQL, or in PGlite. */
export class TypeormHoldBook implements HoldBook {
  constructor(private readonly source: DataSource) {}

  place(hold: Hold): Promise<PlacedHold> {
    return holdingLock(this.source, async (manager) => {
      await manager
        .createQueryBuilder()
        .insert()
        .into(HoldEntity)
        .values({ ...hold })
        .orIgnore()
        .execute();
      const dropping = await manager.find(DropEntity, { where: { state: 'dropping' } });
      const erasing = await manager.find(ErasureEntity, { where: { state: 'erasing' } });
      return {
        hold: await found(manager, hold.id),
        late: dropping.filter(({ partition }) => coversMonth(hold.scope, partition)),
        erasing: erasing.filter(({ session }) => hold.scope.session === null || hold.scope.session === session).map(({ id }) => id),
      };
    });
  }

  release(id: string, by: Principal, reason: string, at: number): Promise<Hold> {
    return holdingLock(this.source, async (manager) => {
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
    return holdingLock(this.source, async (manager) => {
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
}

async function found(manager: EntityManager, id: string): Promise<Hold> {
  const hold = await manager.findOneBy(HoldEntity, { id });
  if (hold === null) throw new AffiantError('not_found', 'there is no such hold');
  return hold;
}
