import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerStore } from '../port.js';
import { sampleEvent, sampleEvents, sampleLeaves } from '../testing/sample-rows.js';

export interface LedgerStoreUnderTest {
  readonly store: LedgerStore;
  readonly close: () => Promise<void>;
}

/** What every adapter of the LedgerStore port must do. Each case writes under its own source, so one store serves them all. */
export function ledgerStoreContract(name: string, open: () => Promise<LedgerStoreUnderTest>): void {
  describe(`ledger store contract: ${name}`, () => {
    let under: LedgerStoreUnderTest;
    let store: LedgerStore;
    beforeAll(async () => {
      under = await open();
      store = under.store;
    });
    afterAll(() => under.close());

    const digest = (hashes: readonly Buffer[]): string => createHash('sha256').update(Buffer.concat(hashes)).digest('hex');

    it('migrates again without effect', async () => {
      await store.migrate();
      await store.migrate();
      expect(await store.ping()).toBe(true);
    });

    it('appends once, however often the same call is repeated', async () => {
      const rows = sampleEvents(1, 200, { source_id: 'once' });
      for (let time = 0; time < 3; time++) await store.appendEvents('once/1-200', rows);
      expect(await store.rangeDigest('once', 1, 200)).toEqual({ count: 200, digest: digest(rows.map((row) => row.payload_hash)) });
      expect(await store.rangeDigest('once', 11, 20)).toEqual({
        count: 10,
        digest: digest(rows.slice(10, 20).map((row) => row.payload_hash)),
      });
      expect(await store.rangeDigest('once', 500, 600)).toEqual({ count: 0, digest: digest([]) });
    });

    it('digests hashes that end in zero bytes whole', async () => {
      // Some 1 in 256 hashes ends so; a text conversion would cut them.
      const rows = sampleEvents(1, 2000, { source_id: 'zeros' });
      const some = rows.filter((row) => row.payload_hash[31] === 0);
      expect(some.length).toBeGreaterThan(0);
      await store.appendEvents('zeros', rows);
      expect((await store.rangeDigest('zeros', 1, 2000)).digest).toBe(digest(rows.map((row) => row.payload_hash)));
    });

    it('refuses a token that was used for other rows', async () => {
      await store.appendEvents('reused', sampleEvents(1, 3, { source_id: 'reused' }));
      await expect(store.appendEvents('reused', sampleEvents(4, 6, { source_id: 'reused' }))).rejects.toMatchObject({
        code: 'ledger_conflict',
      });
      const changed = sampleEvents(1, 3, { source_id: 'reused', raw: Buffer.from('something else') });
      await expect(store.appendEvents('reused', changed)).rejects.toMatchObject({ code: 'ledger_conflict' });
      expect((await store.rangeDigest('reused', 1, 10)).count).toBe(3);
    });

    it('refuses a row whose hash is not of its bytes, and then the whole batch', async () => {
      const rows = [sampleEvent(1, { source_id: 'hash' }), sampleEvent(2, { source_id: 'hash', payload_hash: Buffer.alloc(32, 1) })];
      await expect(store.appendEvents('hash', rows)).rejects.toMatchObject({ code: 'ledger_conflict' });
      expect((await store.rangeDigest('hash', 1, 2)).count).toBe(0);
    });

    it('takes a batch that spans months and sources, with holes in the seqs', async () => {
      const july = Date.UTC(2026, 6, 31, 23, 59, 59, 999) * 1000;
      const rows = [
        sampleEvent(1, { source_id: 'span-a', occurred_at: july }),
        sampleEvent(4, { source_id: 'span-a', occurred_at: july + 1_000 }),
        sampleEvent(9, { source_id: 'span-b', occurred_at: 0 }),
      ];
      await store.appendEvents('span', rows);
      await store.appendEvents('span', rows);
      expect((await store.rangeDigest('span-a', 1, 9)).count).toBe(2);
      expect((await store.rangeDigest('span-b', 1, 9)).count).toBe(1);
    });

    it('appends leaves once, in order, and refuses what does not follow', async () => {
      const leaves = sampleLeaves(sampleEvents(1, 50, { source_id: 'leaves' }), 0);
      await store.appendLeaves('round/1', leaves);
      await store.appendLeaves('round/1', leaves);
      await expect(store.appendLeaves('round/1', sampleLeaves(sampleEvents(51, 60, { source_id: 'leaves' }), 50))).rejects.toMatchObject({
        code: 'ledger_conflict',
      });
      const [first, ...rest] = sampleLeaves(sampleEvents(51, 60, { source_id: 'leaves' }), 50, 2);
      if (first === undefined) throw new Error('no rows');
      await expect(store.appendLeaves('round/2', [...rest, first])).rejects.toMatchObject({ code: 'ledger_conflict' });
      await expect(store.appendLeaves('round/2', [{ ...first, leaf_hash: Buffer.alloc(32) }])).rejects.toMatchObject({
        code: 'ledger_conflict',
      });
      await store.appendLeaves('round/2', [first, ...rest]);
      await store.appendLeaves('empty', []);
    });

    it('holds one checkpoint per round', async () => {
      const row = {
        round: 1,
        tree_size: 50,
        root_hash: 'ab'.repeat(32),
        note: 'log\n50\nx\n\n— log sig\n',
        sealed_at: 1,
        frontier_sources: ['leaves'],
        frontier_seqs: [50],
      };
      await store.appendCheckpoint(row);
      await store.appendCheckpoint(row);
      await expect(store.appendCheckpoint({ ...row, root_hash: 'cd'.repeat(32) })).rejects.toMatchObject({ code: 'ledger_conflict' });
    });

    it('takes an empty batch', async () => {
      await store.appendEvents('nothing', []);
    });
  });
}
