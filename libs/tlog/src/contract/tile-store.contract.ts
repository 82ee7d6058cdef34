import { describe, expect, it } from 'vitest';
import type { TileStore } from '../port.js';
import { TileTree } from '../tile-tree.js';
import { TreeEdge } from '../tree-edge.js';

/** What every TileStore must do. `open` answers an empty store. */
export function tileStoreContract(title: string, open: () => Promise<TileStore>): void {
  describe(`${title} as TileStore`, () => {
    it('is write-once', async () => {
      const store = await open();
      expect(await store.get('tile/0/000')).toBeNull();
      for (const path of ['tile/0/x001/000', 'tile/0/x001/000.p/3', 'tile/entries/000']) {
        await store.put(path, Buffer.from('a'));
        await store.put(path, Buffer.from('a'));
        await expect(store.put(path, Buffer.from('b'))).rejects.toMatchObject({ code: 'ledger_conflict' });
        expect(await store.get(path)).toEqual(Buffer.from('a'));
      }
      await expect(store.put('../outside', Buffer.from('a'))).rejects.toMatchObject({ code: 'usage_invalid' });
    });

    it('keeps a tree that can be read back, and drops only partial tiles that full ones replaced', async () => {
      const store = await open();
      let edge = TreeEdge.empty;
      for (const step of [100, 100, 100, 300]) {
        const grown = edge.extend(Array.from({ length: step }, (_unused, index) => Buffer.from(String(edge.size + index))));
        await Promise.all(grown.files.map((file) => store.put(file.path, file.bytes)));
        await store.prune([...grown.superseded, 'tile/0/002.p']);
        edge = grown.edge;
      }
      expect(await store.get('tile/0/000.p/100')).toBeNull();
      expect(await store.get('tile/0/002.p/88')).not.toBeNull();
      expect((await TreeEdge.load(store, 600)).root()).toEqual(edge.root());
      expect(await new TileTree(store, 600).root()).toEqual(edge.root());
      await store.publish('note 1');
      await store.publish('note 2');
      // Pruned again: a round that is repeated after a crash asks for the same.
      await store.prune(['tile/0/000.p', 'tile/0/001.p']);
    });
  });
}
