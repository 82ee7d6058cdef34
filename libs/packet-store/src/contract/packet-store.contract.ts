import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PacketStore } from '../port.js';

/** What every PacketStore must do. `open` answers an empty store, then the same store again when asked for `again`. */
export function packetStoreContract(
  title: string,
  open: () => Promise<{ readonly store: PacketStore; readonly again: () => PacketStore }>,
): void {
  describe(`${title} as PacketStore`, () => {
    it('gives back what was put, and takes the same bytes twice', async () => {
      const { store, again } = await open();
      const bytes = Buffer.from([0, 255, 10, 13, ...Buffer.from('%PDF-1.7')]);
      const first = await store.put('a.pdf', bytes);
      expect(first.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(await again().put('a.pdf', bytes)).toEqual(first);
      expect(await again().open('a.pdf')).toEqual(bytes);
      expect(await store.list()).toEqual(['a.pdf']);
    });

    it('never writes other bytes over a name', async () => {
      const { store } = await open();
      await store.put('a.pdf', Buffer.from('one'));
      await expect(store.put('a.pdf', Buffer.from('two'))).rejects.toMatchObject({ code: 'conflict' });
      expect(await store.open('a.pdf')).toEqual(Buffer.from('one'));
    });

    it('lets one of many win that put other bytes under a name at the same time', async () => {
      const { store } = await open();
      const tried = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => store.put('race.pdf', Buffer.from(`bytes ${index}`))));
      const won = tried.findIndex(({ status }) => status === 'fulfilled');
      expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await store.open('race.pdf')).toString()).toBe(`bytes ${won}`);
    });

    it('lists packets only, in order, and knows when there is none', async () => {
      const { store } = await open();
      expect(await store.list()).toEqual([]);
      await expect(store.open('a.pdf')).rejects.toMatchObject({ code: 'not_found' });
      for (const name of ['b.pdf', 'a.pdf', 'a.json']) await store.put(name, Buffer.from(name));
      expect(await store.list()).toEqual(['a.pdf', 'b.pdf']);
    });

    it.each(['../a.pdf', '/etc/passwd', '', '.hidden', 'a/b.pdf'])('does not leave its place: %j', async (name) => {
      const { store } = await open();
      await expect(store.open(name)).rejects.toMatchObject({ code: 'not_found' });
      await expect(store.put(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'not_found' });
    });
  });
}
