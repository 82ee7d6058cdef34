import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../test/support/engines/postgres.mjs';
import { keyBookContract } from '../../content-keys/src/contract/key-book.contract.js';
import { TypeormApprovalBook } from './approvals/typeorm-approval-book.js';
import { approvalBookContract } from './contract/approval-book.contract.js';
import { erasureBookContract } from './contract/erasure-book.contract.js';
import { holdBookContract } from './contract/hold-book.contract.js';
import { unsealBookContract } from './contract/unseal-book.contract.js';
import { packetCatalogueContract } from './contract/packet-catalogue.contract.js';
import { TypeormKeyBook } from './content-keys/typeorm-key-book.js';
import { openCatalogue, type CatalogueLocation } from './data-source.js';
import { TypeormErasureBook } from './erasures/typeorm-erasure-book.js';
import { TypeormHoldBook } from './holds/typeorm-hold-book.js';
import { TypeormUnsealBook } from './unsealings/typeorm-unseal-book.js';
import { TypeormPacketCatalogue } from './packets/typeorm-packet-catalogue.js';

interface Engine {
  readonly location: CatalogueLocation;
  close(): Promise<void>;
}

async function embedded(): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'affiant-catalogue-'));
  return { location: { directory: join(directory, 'data') }, close: () => rm(directory, { recursive: true, force: true }) };
}

async function server(): Promise<Engine> {
  const postgres: TestPostgres = await startPostgres();
  return { location: { url: await postgres.createDatabase('catalogue'), pool: 4 }, close: () => postgres.stop() };
}

describe.each([
  ['PGlite', embedded, true],
  ['PostgreSQL', server, hasPostgres()],
])('the catalogue on %s', (name, start, present) => {
  describe.skipIf(!present)('', () => {
    let engine: Engine;
    let source: DataSource;

    beforeAll(async () => {
      engine = await start();
      source = await openCatalogue(engine.location);
    });

    afterAll(async () => {
      await source?.destroy();
      await engine?.close();
    });

    approvalBookContract(`TypeormApprovalBook on ${name}`, async () => {
      await source.query('DELETE FROM approval');
      return new TypeormApprovalBook(source, () => 1_700_000_002_000);
    });

    holdBookContract(`TypeormHoldBook on ${name}`, async () => {
      await source.query('TRUNCATE hold, retention_drop');
      return new TypeormHoldBook(source);
    });
    erasureBookContract(`TypeormErasureBook on ${name}`, async () => {
      await source.query('TRUNCATE erasure, hold, retention_drop');
      return { book: new TypeormErasureBook(source), holds: new TypeormHoldBook(source) };
    });
    keyBookContract(`TypeormKeyBook on ${name}`, async () => {
      await source.query('TRUNCATE content_key');
      return new TypeormKeyBook(source);
    });
    keyBookContract(`TypeormKeyBook of originals on ${name}`, async () => {
      await source.query('TRUNCATE original_key');
      return new TypeormKeyBook(source, 'originals');
    });
    unsealBookContract(`TypeormUnsealBook on ${name}`, async () => {
      await source.query('TRUNCATE unsealing');
      return new TypeormUnsealBook(source);
    });
    packetCatalogueContract(`TypeormPacketCatalogue on ${name}`, async () => {
      await source.query('DELETE FROM packet');
      return new TypeormPacketCatalogue(source);
    });

    it('keeps what it holds over a restart, and migrates once', async () => {
      await source.query('DELETE FROM packet');
      const packets = new TypeormPacketCatalogue(source);
      await packets.create({ id: 'p1', framework: 'ffiec', from: '2026-01-01', to: '2026-04-01', requested_by: 'olga', created_at: 1 });
      const kept = await packets.update('p1', { state: 'done', progress: 1, verdicts: { PASS: 3 }, bytes: 12 });
      await source.destroy();
      source = await openCatalogue(engine.location);
      expect(await new TypeormPacketCatalogue(source).get('p1')).toEqual(kept);
      expect(await source.query('SELECT count(*)::int AS n FROM catalogue_migration')).toEqual([{ n: 5 }]);
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
});
