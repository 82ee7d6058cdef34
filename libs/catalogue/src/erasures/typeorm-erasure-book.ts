import { In, type DataSource, type EntityManager } from 'typeorm';
import { AffiantError } from '#errors';
import type { Principal } from '#events';
import { askCatalogue } from '../ask.js';
import { HoldEntity } from '../holds/entities.js';
import { holdingLock } from '../holds/lock.js';
import { ErasureEntity } from './entity.js';
import type { Erasure, ErasureBook, ErasureCounts } from './port.js';

/** Erasures in PostgreSQL, or in PGlite. */
export class TypeormErasureBook implements ErasureBook {
  constructor(private readonly source: DataSource) {}

  request(erasure: Erasure): Promise<Erasure> {
    return askCatalogue(async () => {
      const row = { ...erasure, key_ids: [...erasure.key_ids] };
      await this.source.createQueryBuilder().insert().into(ErasureEntity).values(row).orIgnore().execute();
      return this.source.manager.findOneByOrFail(ErasureEntity, { id: erasure.id });
    });
  }

  approve(id: string, by: Principal, reason: string, at: number): Promise<Erasure> {
    return this.#fromRequested(id, { state: 'intended', approved_by: by, approved_at: at, approval_reason: reason });
  }

  withdraw(id: string, at: number): Promise<Erasure> {
    return this.#fromRequested(id, { state: 'withdrawn', ended_at: at });
  }

  begin(id: string, seen: readonly string[], keyIds: readonly string[]): Promise<boolean> {
    return holdingLock(this.source, async (manager) => {
      const active = await manager.find(HoldEntity, { where: { state: 'placed' }, select: { id: true } });
      if (active.some((hold) => !seen.includes(hold.id))) return false;
      const { affected } = await manager.update(ErasureEntity, { id, state: 'intended' }, { state: 'erasing', key_ids: [...keyIds] });
      // The point from which a hold comes too late. A crash here leaves an erasure that the next run finishes.
      if (affected !== 1) throw new AffiantError('conflict', 'the erasure is not intended any more', { where: id });
      return true;
    });
  }

  async end(id: string, state: 'erased' | 'abandoned', counts: ErasureCounts | null, at: number): Promise<void> {
    await askCatalogue(() => this.source.manager.update(ErasureEntity, { id }, { state, counts: counts as never, ended_at: at }));
  }

  get(id: string): Promise<Erasure | null> {
    return askCatalogue(() => this.source.manager.findOneBy(ErasureEntity, { id }));
  }

  list(states?: readonly Erasure['state'][], limit = 1_000): Promise<Erasure[]> {
    const where = states === undefined ? {} : { state: In([...states]) };
    return askCatalogue(() => this.source.manager.find(ErasureEntity, { where, order: { requested_at: 'DESC', id: 'DESC' }, take: limit }));
  }

  #fromRequested(id: string, change: Partial<Erasure>): Promise<Erasure> {
    return askCatalogue(() =>
      this.source.transaction(async (manager) => {
        const before = await found(manager, id);
        const { affected } = await manager.update(ErasureEntity, { id, state: 'requested' }, change as never);
        if (affected !== 1) throw new AffiantError('conflict', `the erasure is ${before.state} already`, { where: id });
        return found(manager, id);
      }),
    );
  }
}

async function found(manager: EntityManager, id: string): Promise<Erasure> {
  const erasure = await manager.findOneBy(ErasureEntity, { id });
  if (erasure === null) throw new AffiantError('not_found', 'there is no such erasure');
  return erasure;
}
