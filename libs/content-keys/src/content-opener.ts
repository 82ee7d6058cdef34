import { AffiantError } from '#errors';
import type { KeyBook, KeyWrapper } from './port.js';

/** Port of whoever reads sealed content: the keys of these ids; null for a key that was destroyed. */
export interface ContentKeys {
  /**
   * @throws AffiantError content_key_failed (retryable) when a key is neither there nor destroyed: the catalogue was put back from an old copy, or is
   * another one; catalogue_failed while it is away. Neither is ever taken for an erasure.
   */
  open(ids: readonly string[]): Promise<Map<string, Buffer | null>>;
}

export class ContentOpener implements ContentKeys {
  constructor(
    private readonly book: Pick<KeyBook, 'find'>,
    private readonly wrapper: Pick<KeyWrapper, 'unwrap'>,
  ) {}

  async open(ids: readonly string[]): Promise<Map<string, Buffer | null>> {
    const opened = new Map<string, Buffer | null>();
    if (ids.length === 0) return opened;
    const found = await this.book.find(ids);
    for (const id of ids) {
      const key = found.get(id);
      if (key === undefined)
        throw new AffiantError('content_key_failed', 'the catalogue does not know a key that an event names', {
          where: id,
          remedy: 'Put back the newest copy of the catalogue: docs/guide/erase.md, "When a key is missing".',
        });
      opened.set(id, key.state === 'live' ? await this.wrapper.unwrap(id, key.wrapped) : null);
    }
    return opened;
  }
}
