import type { DestroyedKey } from '#content-keys';
import type { ErasurePorts } from './run-erasures.js';

/** Keys of one look. */
const PAGE = 5_000;
/** How far back a look begins when one was made before: longer than any batch of the ingest takes. */
const OVERLAP_MS = 24 * 3_600_000;

/** What the ledger tells of keys that were destroyed, in place of a catalogue that forgot. */
export async function destroyAgain({
  store,
  keys,
  codec,
  nowMs,
}: Pick<ErasurePorts, 'store' | 'keys' | 'codec' | 'nowMs'>): Promise<number> {
  let live = 0;
  for (const raw of await store.erasureEvents()) {
    const { type, event } = codec.decode(raw);
    if (type !== 'control' || event.detail === null) continue;
    const { keys: ids } = JSON.parse(event.detail) as { readonly keys: readonly string[] };
    live += await keys.destroy(ids, event.subject ?? '', nowMs());
  }
  return live;
}

/**
 * Deletes opened content of keys that are destroyed: the ingest may have had a key in its hands when it went, and a store that was put back from a copy
 * has what was erased since. @returns rows deleted, and where the next look begins
 */
export async function sweep(
  { keys, store }: Pick<ErasurePorts, 'store' | 'keys'>,
  since: number,
): Promise<{ readonly rows: number; readonly since: number }> {
  let rows = 0;
  let from = Math.max(0, since - OVERLAP_MS);
  let last = since;
  for (;;) {
    const destroyed: readonly DestroyedKey[] = await keys.destroyedSince(from, PAGE);
    rows += await store.deleteContent(destroyed.map(({ id }) => id));
    last = Math.max(last, destroyed.at(-1)?.at ?? 0);
    // More than a page of one moment cannot be told apart by time; the next page begins where this one ends.
    if (destroyed.length < PAGE || last === from) return { rows, since: last };
    from = last;
  }
}
