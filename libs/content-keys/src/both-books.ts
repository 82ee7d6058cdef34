import type { DestroyedKey, KeyBook } from './port.js';

/**
 * What an erasure destroys of two books: keys of content and keys of originals. It does not know which id is whose, so each id gets its grave in both.
 * A crash in between leaves one of them to the next run.
 */
export class BothBooks implements Pick<KeyBook, 'destroy' | 'destroyedSince'> {
  constructor(
    private readonly content: Pick<KeyBook, 'destroy' | 'destroyedSince'>,
    private readonly originals: Pick<KeyBook, 'destroy'>,
  ) {}

  async destroy(ids: readonly string[], erasure: string, at: number): Promise<number> {
    return (await this.originals.destroy(ids, erasure, at)) + (await this.content.destroy(ids, erasure, at));
  }

  destroyedSince(at: number, limit: number): Promise<DestroyedKey[]> {
    return this.content.destroyedSince(at, limit);
  }
}
