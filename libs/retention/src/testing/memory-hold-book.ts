import { coversMonth, type Hold, type HoldBook, type PlacedHold, type RetentionDrop } from '#catalogue';
import { AffiantError } from '#errors';
import type { Principal } from '#events';

/** The book in memory, for tests; the contract suite of the port runs against it. */
export class MemoryHoldBook implements HoldBook {
  readonly #holds = new Map<string, Hold>();
  readonly #drops = new Map<string, RetentionDrop>();

  async place(hold: Hold): Promise<PlacedHold> {
    if (!this.#holds.has(hold.id)) this.#holds.set(hold.id, hold);
    const late = [...this.#drops.values()].filter(({ state, partition }) => state === 'dropping' && coversMonth(hold.scope, partition));
    return { hold: this.#holds.get(hold.id)!, late, erasing: [] };
  }

  async release(id: string, released_by: Principal, release_reason: string, released_at: number): Promise<Hold> {
    const hold = this.#holds.get(id);
    if (hold === undefined) throw new AffiantError('not_found', 'there is no such hold');
    if (hold.state === 'released') throw new AffiantError('conflict', 'the hold is released already');
    const released: Hold = { ...hold, state: 'released', released_by, release_reason, released_at };
    this.#holds.set(id, released);
    return released;
  }

  async get(id: string): Promise<Hold | null> {
    return this.#holds.get(id) ?? null;
  }

  async list(state?: Hold['state'], limit = 1_000): Promise<Hold[]> {
    const all = [...this.#holds.values()].filter((hold) => state === undefined || hold.state === state);
    return all.sort((a, b) => b.placed_at - a.placed_at || (a.id < b.id ? 1 : -1)).slice(0, limit);
  }

  async intend(drop: RetentionDrop): Promise<RetentionDrop> {
    if (!this.#drops.has(drop.id)) this.#drops.set(drop.id, drop);
    return this.#drops.get(drop.id)!;
  }

  async begin(id: string, seen: readonly string[]): Promise<boolean> {
    if ([...this.#holds.values()].some(({ id: hold, state }) => state === 'placed' && !seen.includes(hold))) return false;
    const drop = this.#drops.get(id);
    if (drop?.state !== 'intended') throw new AffiantError('conflict', 'the drop is not intended any more', { where: id });
    this.#drops.set(id, { ...drop, state: 'dropping' });
    return true;
  }

  async end(id: string, state: 'dropped' | 'abandoned', ended_at: number): Promise<void> {
    const drop = this.#drops.get(id);
    if (drop !== undefined) this.#drops.set(id, { ...drop, state, ended_at });
  }

  async drops(states?: readonly RetentionDrop['state'][], limit = 1_000): Promise<RetentionDrop[]> {
    const all = [...this.#drops.values()].filter(({ state }) => states === undefined || states.includes(state));
    return all.sort((a, b) => b.intended_at - a.intended_at || (a.id < b.id ? 1 : -1)).slice(0, limit);
  }
}
