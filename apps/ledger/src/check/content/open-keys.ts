import { isAffiantError } from '#errors';
import type { ContentCheckPorts } from './port.js';

/** A key as the check finds it. Unlike the ingest, which waits for a key it cannot have, the check says so and goes on. */
export type OpenedKey =
  | { readonly state: 'live'; readonly key: Buffer }
  | { readonly state: 'destroyed'; readonly erasure: string; readonly at: number }
  | { readonly state: 'unknown'; readonly reason: string };

/** @throws AffiantError catalogue_failed */
export async function openKeys(
  { book, wrapper }: Pick<ContentCheckPorts, 'book' | 'wrapper'>,
  ids: readonly string[],
): Promise<Map<string, OpenedKey>> {
  const opened = new Map<string, OpenedKey>();
  if (ids.length === 0) return opened;
  const found = await book.find(ids);
  for (const id of ids) {
    const key = found.get(id);
    if (key === undefined) opened.set(id, { state: 'unknown', reason: 'the catalogue does not know its key' });
    else if (key.state === 'destroyed') opened.set(id, key);
    else opened.set(id, await unwrapped(wrapper, id, key.wrapped));
  }
  return opened;
}

async function unwrapped(wrapper: ContentCheckPorts['wrapper'], id: string, wrapped: string): Promise<OpenedKey> {
  try {
    return { state: 'live', key: await wrapper.unwrap(id, wrapped) };
  } catch (error) {
    if (!isAffiantError(error) || error.code !== 'content_key_failed') throw error;
    return { state: 'unknown', reason: `its key does not open: ${error.message}` };
  }
}
