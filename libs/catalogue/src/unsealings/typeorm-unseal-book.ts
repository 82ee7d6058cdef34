import { MoreThan, type DataSource } from 'typeorm';
import { AffiantError } from '#errors';
import { askCatalogue } from '../ask.js';
import { UnsealingEntity } from './entity.js';
import type { UnsealBook, UnsealDecision, Unsealing } from './port.js';

/** Requests to open sealed originals in PostgreSQL, or in PGlite. */
export class TypeormUnsealBook implements UnsealBook {
  constructor(private readonly source: DataSource) {}

  request(unsealing: Unsealing): Promise<Unsealing> {
    return askCatalogue(async () => {
      await this.source.createQueryBuilder().insert().into(UnsealingEntity).values(unsealing).orIgnore().execute();
      return this.source.manager.findOneByOrFail(UnsealingEntity, { id: unsealing.id });
    });
  }

  decide(id: string, { state, by, reason, at, expires_at }: UnsealDecision): Promise<Unsealing> {
    return this.#from('requested', id, at, { state, decided_by: by, decided_at: at, decision_reason: reason, expires_at });
  }

  open(id: string, at: number): Promise<Unsealing> {
    return this.#from('approved', id, at, { state: 'opened', opened_at: at });
  }

  get(id: string): Promise<Unsealing | null> {
    return askCatalogue(() => this.source.manager.findOneBy(UnsealingEntity, { id }));
  }

  list(limit: number): Promise<Unsealing[]> {
    return askCatalogue(() => this.source.manager.find(UnsealingEntity, { order: { requested_at: 'DESC', id: 'DESC' }, take: limit }));
  }

  /** One statement, so that of two who ask at once one gets it. */
  #from(state: Unsealing['state'], id: string, at: number, change: Partial<Unsealing>): Promise<Unsealing> {
    return askCatalogue(async () => {
      const { affected } = await this.source.manager.update(UnsealingEntity, { id, state, expires_at: MoreThan(at) }, change as never);
      const after = await this.source.manager.findOneBy(UnsealingEntity, { id });
      if (after === null) throw new AffiantError('not_found', 'there is no such request');
      if (affected !== 1)
        throw new AffiantError('conflict', after.state === state ? 'the request has expired' : `the request is ${after.state} already`, {
          where: id,
        });
      return after;
    });
  }
}
