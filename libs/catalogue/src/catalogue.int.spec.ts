import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TypeormApprovalBook } from './approvals/typeorm-approval-book.js';
import { approvalBookContract } from './contract/approval-book.contract.js';
import { openCatalogue } from './data-source.js';
import { TypeormPacketCatalogue } from './packets/typeorm-packet-catalogue.js';

let directory: string;
let source: DataSource;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'affiant-catalogue-'));
  source = await openCatalogue({ directory: join(directory, 'data') });
});

afterAll(async () => {
  await source.destroy();
  await rm(directory, { recursive: true, force: true });
});

approvalBookContract('TypeormApprovalBook on PGlite', async () => {
  await source.query('DELETE FROM approval');
  return new TypeormApprovalBook(source, () => 1_700_000_002_000);
});

describe('the catalogue on PGlite', () => {
  it('keeps packets with their progress over a restart, and migrates once', async () => {
    const packets = new TypeormPacketCatalogue(source);
    await packets.create({ id: 'p1', framework: 'ffiec', from: '2026-01-01', to: '2026-04-01', requested_by: 'olga', created_at: 1 });
    await packets.update('p1', { state: 'done', progress: 1, verdicts: { PASS: 3 }, bytes: 12 });
    await source.destroy();
    source = await openCatalogue({ directory: join(directory, 'data') });
    expect(await new TypeormPacketCatalogue(source).get('p1')).toMatchObject({
      state: 'done',
      verdicts: { PASS: 3 },
      bytes: 12,
      tree_size: null,
    });
    await expect(new TypeormPacketCatalogue(source).update('p2', {})).rejects.toMatchObject({ code: 'not_found' });
  });

  it('does not mix overlapping transactions', async () => {
    await source.query('CREATE TABLE IF NOT EXISTS mixed (n int)');
    const attempts = Array.from({ length: 6 }, (_, n) =>
      source
        .transaction(async (manager) => {
          await manager.query('INSERT INTO mixed VALUES ($1)', [n]);
          if (n % 2 === 1) throw new Error('rolled back');
        })
        .catch(() => undefined),
    );
    await Promise.all(attempts);
    const rows = (await source.query('SELECT n FROM mixed ORDER BY n')) as { n: number }[];
    expect(rows.map(({ n }) => n)).toEqual([0, 2, 4]);
  });
});
