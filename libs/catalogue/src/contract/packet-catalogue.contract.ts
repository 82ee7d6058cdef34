import { describe, expect, it } from 'vitest';
import type { PacketCatalogue } from '../port.js';

const asked = (id: string, created_at = 1) =>
  ({ id, framework: 'ffiec', from: '2026-01-01', to: '2026-04-01', requested_by: 'olga', created_at }) as const;

/** What every PacketCatalogue must do, whatever engine is behind it. */
export function packetCatalogueContract(name: string, open: () => Promise<PacketCatalogue>): void {
  describe(`${name} as PacketCatalogue`, () => {
    it('keeps what was asked for, exactly, and shows no job to those who read it', async () => {
      const packets = await open();
      const created = await packets.create(asked('keep'), { id: 'keep', seq: 7 });
      expect(created).toMatchObject({ state: 'queued', progress: 0, tree_size: null, created_at: 1 });
      expect(await packets.get('keep')).toEqual(created);
      expect(await packets.get('none')).toBeNull();
      await expect(packets.create(asked('keep'))).rejects.toMatchObject({ code: 'conflict' });
    });

    it('changes only the columns that are named', async () => {
      const packets = await open();
      await packets.create(asked('p'));
      await Promise.all([packets.update('p', { state: 'running', step: 'reading' }), packets.update('p', { bytes: 5_000_000_000 })]);
      expect(await packets.update('p', { progress: 0.5, verdicts: { PASS: 3 } })).toMatchObject({
        state: 'running',
        step: 'reading',
        bytes: 5_000_000_000,
        progress: 0.5,
        verdicts: { PASS: 3 },
      });
      await expect(packets.update('nobody', { progress: 1 })).rejects.toMatchObject({ code: 'not_found' });
    });

    it.each(['done', 'refused'] as const)('lets nothing change a packet that is %s', async (state) => {
      const packets = await open();
      await packets.create(asked('end'));
      const ended = await packets.update('end', { state, finished_at: 9, sha256: 'ab' });
      expect(await packets.update('end', { state: 'failed', error: 'the second run failed' })).toEqual(ended);
      expect(await packets.get('end')).toEqual(ended);
    });

    it('pins a packet to one tree size, also when many ask at the same time', async () => {
      const packets = await open();
      await packets.create(asked('pin'));
      const sizes = await Promise.all(Array.from({ length: 8 }, (_, index) => packets.pin('pin', 100 + index)));
      expect(new Set(sizes).size).toBe(1);
      expect((await packets.get('pin'))?.tree_size).toBe(sizes[0]);
      await expect(packets.pin('nobody', 1)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('finds the unfinished with their jobs, oldest first', async () => {
      const packets = await open();
      for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) await packets.create(asked(id, 10 - index), { id });
      await packets.update('a', { state: 'running' });
      await packets.update('b', { state: 'failed' });
      await packets.setRequeues('c', 2);
      const found = await packets.unfinished(10);
      expect(found.map(({ packet, job, requeues }) => [packet.id, job, requeues])).toEqual([
        ['d', { id: 'd' }, 0],
        ['c', { id: 'c' }, 2],
        ['a', { id: 'a' }, 0],
      ]);
      expect(found[0]?.packet).toEqual(await packets.get('d'));
      expect(await packets.unfinished(1)).toHaveLength(1);
      expect((await packets.list()).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    });
  });
}
