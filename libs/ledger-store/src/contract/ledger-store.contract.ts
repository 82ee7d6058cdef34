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

    it('answers for a stretch of a broker’s partition: many sources, holes, some offsets left out', async () => {
      const place = (seq: number, log_offset: number, source_id: string) =>
        sampleEvent(seq, { source_id, log_partition: 'affiant.control.v1/3', log_offset });
      const first = [place(7, 100, 'mixed-a'), place(3, 101, 'mixed-b'), place(9, 105, 'mixed-a'), place(900, 106, 'mixed-b')];
      const second = [place(8, 107, 'mixed-a'), place(4, 110, 'mixed-b')];
      for (let time = 0; time < 2; time++) await store.appendEvents('mixed/1', first);
      await store.appendEvents('mixed/2', second);
      const sources = [
        { source_id: 'mixed-a', from: 1, to: 9 },
        { source_id: 'mixed-b', from: 1, to: 900 },
      ];
      const range = { partition: 'affiant.control.v1/3', from: 100, to: 107, except: [], sources };
      const hashes = [...first, ...second].map((row) => row.payload_hash);
      expect(await store.logDigest(range)).toEqual({ count: 5, digest: digest(hashes.slice(0, 5)) });
      expect(await store.logDigest({ ...range, except: [101, 104] })).toEqual({
        count: 4,
        digest: digest([0, 2, 3, 4].map((at) => hashes[at]!)),
      });
      expect(await store.logDigest({ ...range, sources: sources.slice(0, 1) })).toEqual({
        count: 3,
        digest: digest([0, 2, 4].map((at) => hashes[at]!)),
      });
      expect((await store.logDigest({ ...range, partition: 'affiant.control.v1/4' })).count).toBe(0);
      const held = await store.heldEvents([
        { source_id: 'mixed-a', from: 8, to: 20 },
        { source_id: 'mixed-b', from: 5, to: 899 },
      ]);
      expect(held.toSorted((a, b) => a.seq - b.seq)).toEqual(
        [second[0]!, first[2]!].map((row) => ({ source_id: row.source_id, seq: row.seq, payload_hash: row.payload_hash.toString('hex') })),
      );
      expect(await store.heldEvents([])).toEqual([]);
      expect(
        await store.highestSeqs(
          new Map([
            ['mixed-a', 8],
            ['mixed-b', 901],
            ['mixed-none', 1],
          ]),
        ),
      ).toEqual(new Map([['mixed-a', 9]]));
    });

    it('inserts between what other batches hold of the same stretch', async () => {
      const place = (seq: number, log_offset: number) =>
        sampleEvent(seq, { source_id: 'between', log_partition: 'affiant.control.v1/5', log_offset });
      await store.appendEvents('between/1', [place(2, 12)]);
      await store.appendEvents('between/2', [place(1, 11), place(3, 13)]);
      await store.appendEvents('between/2', [place(1, 11), place(3, 13)]);
      await expect(store.appendEvents('between/2', [place(1, 11), place(4, 14)])).rejects.toMatchObject({ code: 'ledger_conflict' });
      expect((await store.rangeDigest('between', 1, 9)).count).toBe(3);
    });

    it('asks for more ranges than one query takes', async () => {
      const ranges = Array.from({ length: 250 }, (_, index) => ({ source_id: `many-${index}`, from: 1, to: 9 }));
      await store.appendEvents(
        'many',
        ranges.map(({ source_id }) => sampleEvent(5, { source_id })),
      );
      expect(await store.heldEvents(ranges)).toHaveLength(250);
      expect((await store.highestSeqs(new Map(ranges.map(({ source_id }) => [source_id, 2])))).size).toBe(250);
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
      expect(await store.lastCheckpoint()).toMatchObject({ round: 1, tree_size: 50, root_hash: row.root_hash });
    });

    it('holds one cosigned checkpoint per size', async () => {
      expect(await store.lastAnchor()).toBeNull();
      const row = {
        tree_size: 50,
        root_hash: 'ab'.repeat(32),
        note: 'log\n50\nx\n\n— log sig\n— w sig\n',
        anchored_at: 1_700_000_000_000_000,
        witness_names: ['w'],
        witness_times: [1_700_000_000],
      };
      await store.appendAnchor(row);
      await store.appendAnchor(row);
      await expect(store.appendAnchor({ ...row, note: `${row.note}— v sig\n` })).rejects.toMatchObject({ code: 'ledger_conflict' });
      await store.appendAnchor({ ...row, tree_size: 40 });
      expect(await store.lastAnchor()).toMatchObject({ tree_size: 50, note: row.note });
    });

    it('takes an empty batch', async () => {
      await store.appendEvents('nothing', []);
    });
  });
}
