import { HoldFold, type Hold } from '#catalogue';
import type { EventCodec } from '#events';
import type { RetentionStore } from '#ledger-store';

/** Holds as the ledger tells of them. @throws AffiantError engine_failed */
export async function recordedHolds(store: Pick<RetentionStore, 'holdEvents'>, codec: EventCodec): Promise<Hold[]> {
  const fold = new HoldFold();
  for (const raw of await store.holdEvents()) {
    const { type, event } = codec.decode(raw);
    if (type === 'control') fold.take(event);
  }
  return fold.holds();
}
