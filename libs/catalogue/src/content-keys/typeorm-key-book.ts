import { In, IsNull, MoreThan, MoreThanOrEqual, Not, type DataSource } from 'typeorm';
import type { DestroyedKey, IssuedKey, KeyBook, KeyState, Rewrapped } from '#content-keys';
import { askCatalogue } from '../ask.js';
import { ContentKeyEntity, OriginalKeyEntity } from './entity.js';

/** Ids of one statement; PostgreSQL takes 65,535 parameters. */
const TOGETHER = 5_000;

/** Wrapped keys, of content or of originals, in PostgreSQL, or in PGlite. */
export class TypeormKeyBook implements KeyBook {
  private readonly entity;

  constructor(
    private readonly source: DataSource,
    keys: 'content' | 'originals' = 'content',
  ) {
    this.entity = keys === 'content' ? ContentKeyEntity : OriginalKeyEntity;
  }

  async issue(keys: readonly IssuedKey[], at: number): Promise<void> {
    if (keys.length === 0) return;
    const rows = keys.map(({ id, wrapped }) => ({ id, wrapped, issued_at: at, destroyed_at: null, erasure: null }));
    await askCatalogue(() => this.source.createQueryBuilder().insert().into(this.entity).values(rows).execute());
  }

  async find(ids: readonly string[]): Promise<Map<string, KeyState>> {
    const found = new Map<string, KeyState>();
    for (const part of inParts(ids)) {
      const rows = await askCatalogue(() => this.source.manager.find(this.entity, { where: { id: In(part) } }));
      for (const { id, wrapped, destroyed_at, erasure } of rows)
        found.set(
          id,
          wrapped === null ? { state: 'destroyed', erasure: erasure ?? '', at: destroyed_at ?? 0 } : { state: 'live', wrapped },
        );
    }
    return found;
  }

  /** One transaction: a crash leaves all of them or none destroyed, and the caller's next run does it again. */
  destroy(ids: readonly string[], erasure: string, at: number): Promise<number> {
    return askCatalogue(() =>
      this.source.transaction(async (manager) => {
        let live = 0;
        for (const part of inParts(ids)) {
          const destroyed = { wrapped: null, destroyed_at: at, erasure };
          const { affected } = await manager.update(this.entity, { id: In(part), wrapped: Not(IsNull()) }, destroyed);
          live += affected ?? 0;
          const graves = part.map((id) => ({ id, issued_at: null, ...destroyed }));
          await manager.createQueryBuilder().insert().into(this.entity).values(graves).orIgnore().execute();
        }
        return live;
      }),
    );
  }

  async live(after: string, limit: number): Promise<IssuedKey[]> {
    const rows = await askCatalogue(() =>
      this.source.manager.find(this.entity, {
        select: { id: true, wrapped: true },
        where: { id: MoreThan(after), wrapped: Not(IsNull()) },
        order: { id: 'ASC' },
        take: limit,
      }),
    );
    return rows.flatMap(({ id, wrapped }) => (wrapped === null ? [] : [{ id, wrapped }]));
  }

  /** One transaction; a crash leaves the wrappings of before, which still open. */
  rewrap(changes: readonly Rewrapped[]): Promise<number> {
    if (changes.length === 0) return Promise.resolve(0);
    return askCatalogue(() =>
      this.source.transaction(async (manager) => {
        let replaced = 0;
        for (const { id, before, wrapped } of changes)
          replaced += (await manager.update(this.entity, { id, wrapped: before }, { wrapped })).affected ?? 0;
        return replaced;
      }),
    );
  }

  async destroyedSince(at: number, limit: number): Promise<DestroyedKey[]> {
    const rows = await askCatalogue(() =>
      this.source.manager.find(this.entity, {
        where: { destroyed_at: MoreThanOrEqual(at) },
        order: { destroyed_at: 'ASC', id: 'ASC' },
        take: limit,
      }),
    );
    return rows.map(({ id, erasure, destroyed_at }) => ({ id, erasure: erasure ?? '', at: destroyed_at ?? 0 }));
  }
}

function inParts(ids: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < ids.length; at += TOGETHER) parts.push(ids.slice(at, at + TOGETHER));
  return parts;
}
