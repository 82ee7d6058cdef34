import { describe, expect, it } from 'vitest';
import type { CheckpointStore, SealedState } from '../port.js';

const conflict = expect.objectContaining({ code: 'ledger_conflict' });

export const STATE: SealedState = {
  round: 1,
  tree_size: 2,
  root_hash: 'ab'.repeat(32),
  note: 'note\n',
  frontiers: { gateway: 2 },
  heads: { gateway: 'cd'.repeat(32) },
  offsets: { gateway: 3 },
  sealed_at: 5,
  open: null,
};
export const NEXT: SealedState = {
  ...STATE,
  open: {
    round: 2,
    base_size: 2,
    new_size: 3,
    new_root: 'ef'.repeat(32),
    ranges: [{ partition: 'gateway', from: 3, to: 3 }],
    sealed_at: 6,
  },
};

/** What every adapter of the CheckpointStore port must do. `make` opens one with nothing in it. */
export function checkpointStoreContract(name: string, make: () => CheckpointStore | Promise<CheckpointStore>): void {
  describe(`checkpoint store in ${name}`, () => {
    it('compares and swaps', async () => {
      const store = await make();
      expect(await store.fetch()).toBeNull();
      await store.replace(null, STATE);
      await expect(store.replace(null, NEXT)).rejects.toEqual(conflict);
      await expect(store.replace({ ...STATE, round: 0 }, NEXT)).rejects.toEqual(conflict);
      await store.replace(STATE, NEXT);
      expect(await store.fetch()).toEqual(NEXT);
      const last = { ...NEXT, open: null, last: NEXT.open!.ranges };
      await store.replace((await store.fetch())!, last);
      expect(await store.fetch()).toEqual(last);
      // The same state with its members in another order is the same state.
      await store.replace(Object.fromEntries(Object.entries(last).reverse()) as never, STATE);
      await expect(store.replace(last, NEXT)).rejects.toEqual(conflict);
      expect(await store.fetch()).toEqual(STATE);
    });

    it('lets one of many racing writers win', async () => {
      const store = await make();
      const tried = await Promise.allSettled(Array.from({ length: 8 }, (_unused, round) => store.replace(null, { ...STATE, round })));
      expect(tried.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    });
  });
}
