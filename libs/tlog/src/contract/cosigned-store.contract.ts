import { describe, expect, it } from 'vitest';
import type { CosignedStore } from '../port.js';

/** What every CosignedStore must do. `open` answers an empty store. */
export function cosignedStoreContract(title: string, open: () => Promise<CosignedStore>): void {
  describe(`${title} as CosignedStore`, () => {
    it('keeps the first note of a size, and the newest that was published', async () => {
      const store = await open();
      expect([await store.get(7), await store.latest()]).toEqual([null, null]);
      expect(await store.put(7, 'first\n')).toBe('first\n');
      expect(await store.put(7, 'first\n')).toBe('first\n');
      expect(await store.put(7, 'second\n')).toBe('first\n');
      expect(await store.put(8, 'eight \u2014\n')).toBe('eight \u2014\n');
      expect([await store.get(7), await store.get(8), await store.get(9)]).toEqual(['first\n', 'eight \u2014\n', null]);
      await store.publish('first\n');
      await store.publish('eight \u2014\n');
      expect(await store.latest()).toBe('eight \u2014\n');
    });
  });
}
