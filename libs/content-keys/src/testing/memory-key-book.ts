import { AffiantError } from '#errors';
import type { DestroyedKey, IssuedKey, KeyBook, KeyState, Rewrapped } from '../port.js';

/** A key book in memory for the tests of those who use it; `failWith` makes the next calls fail. */
export class MemoryKeyBook implements KeyBook {
  readonly keys = new Map<string, KeyState>();
  failWith: AffiantError | null = null;
  /** Awaited before anything is done. */
  gate: Promise<void> | null = null;

  async issue(keys: readonly IssuedKey[]): Promise<void> {
    await this.#answer();
    if (keys.some(({ id }) => this.keys.has(id))) throw new AffiantError('conflict', 'there is one of that id already');
    for (const { id, wrapped } of keys) this.keys.set(id, { state: 'live', wrapped });
  }

  async find(ids: readonly string[]): Promise<Map<string, KeyState>> {
    await this.#answer();
    return new Map(
      ids.flatMap((id) => {
        const found = this.keys.get(id);
        return found === undefined ? [] : [[id, found] as const];
      }),
    );
  }

  async destroy(ids: readonly string[], erasure: string, at: number): Promise<number> {
    await this.#answer();
    let live = 0;
    for (const id of ids) {
      const known = this.keys.get(id);
      if (known?.state === 'destroyed') continue;
      if (known !== undefined) live += 1;
      this.keys.set(id, { state: 'destroyed', erasure, at });
    }
    return live;
  }

  async live(after: string, limit: number): Promise<IssuedKey[]> {
    await this.#answer();
    return [...this.keys]
      .flatMap(([id, key]) => (key.state === 'live' && id > after ? [{ id, wrapped: key.wrapped }] : []))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  async rewrap(changes: readonly Rewrapped[]): Promise<number> {
    await this.#answer();
    let replaced = 0;
    for (const { id, before, wrapped } of changes) {
      const known = this.keys.get(id);
      if (known?.state !== 'live' || known.wrapped !== before) continue;
      this.keys.set(id, { state: 'live', wrapped });
      replaced += 1;
    }
    return replaced;
  }

  async destroyedSince(at: number, limit: number): Promise<DestroyedKey[]> {
    await this.#answer();
    return [...this.keys]
      .flatMap(([id, key]) => (key.state === 'destroyed' && key.at >= at ? [{ id, erasure: key.erasure, at: key.at }] : []))
      .toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  async #answer(): Promise<void> {
    if (this.gate !== null) await this.gate;
    if (this.failWith !== null) throw this.failWith;
  }
}
