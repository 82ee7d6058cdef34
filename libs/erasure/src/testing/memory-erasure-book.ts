import type { Erasure, ErasureBook, ErasureCounts, Hold, HoldBook, PlacedHold } from '#catalogue';
import { AffiantError } from '#errors';
import type { Principal } from '#events';

/** The book in memory with the holds it shares its lock with, for tests; the contract suite of the port runs against it. */
export class MemoryErasureBook implements ErasureBook {
  readonly rows = new Map<string, Erasure>();
  readonly active = new Map<string, Hold>();

  readonly holds = {
    place: async (hold: Hold): Promise<PlacedHold> => {
      this.active.set(hold.id, hold);
      const erasing = [...this.rows.values()]
        .filter(({ state, session }) => state === 'erasing' && (hold.scope.session === null || hold.scope.session === session))
        .map(({ id }) => id);
      return { hold, late: [], erasing };
    },
    list: async () => [...this.active.values()],
  } as unknown as HoldBook;

  async request(erasure: Erasure): Promise<Erasure> {
    if (!this.rows.has(erasure.id)) this.rows.set(erasure.id, erasure);
    return this.rows.get(erasure.id)!;
  }

  async approve(id: string, by: Principal, reason: string, at: number): Promise<Erasure> {
    return this.#fromRequested(id, { state: 'intended', approved_by: by, approved_at: at, approval_reason: reason });
  }

  async withdraw(id: string, at: number): Promise<Erasure> {
    return this.#fromRequested(id, { state: 'withdrawn', ended_at: at });
  }

  async begin(id: string, seen: readonly string[], keyIds: readonly string[]): Promise<boolean> {
    if ([...this.active.keys()].some((hold) => !seen.includes(hold))) return false;
    const row = this.rows.get(id);
    if (row?.state !== 'intended') throw new AffiantError('conflict', 'the erasure is not intended any more');
    this.rows.set(id, { ...row, state: 'erasing', key_ids: keyIds });
    return true;
  }

  async end(id: string, state: 'erased' | 'abandoned', counts: ErasureCounts | null, at: number): Promise<void> {
    this.rows.set(id, { ...this.rows.get(id)!, state, counts, ended_at: at });
  }

  async get(id: string): Promise<Erasure | null> {
    return this.rows.get(id) ?? null;
  }

  async list(states?: readonly Erasure['state'][], limit = 1_000): Promise<Erasure[]> {
    return [...this.rows.values()]
      .filter(({ state }) => states === undefined || states.includes(state))
      .toSorted((a, b) => b.requested_at - a.requested_at)
      .slice(0, limit);
  }

  #fromRequested(id: string, change: Partial<Erasure>): Erasure {
    const row = this.rows.get(id);
    if (row === undefined) throw new AffiantError('not_found', 'there is no such erasure');
    if (row.state !== 'requested') throw new AffiantError('conflict', `the erasure is ${row.state} already`);
    this.rows.set(id, { ...row, ...change });
    return this.rows.get(id)!;
  }
}
