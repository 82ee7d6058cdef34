import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { EventRow } from '../port.js';
import { openEmbedded } from '../testing/open-embedded.js';
import { SAMPLE_TIME, sampleEvent, sampleEvents, sampleLeaves, sampleSegments } from '../testing/sample-rows.js';

const BATCH = 300;
const MONTH_END = Date.UTC(2026, 6, 31, 23, 59, 59) * 1000;

/** Batches that straddle a month, so that one call makes two inserts and a kill can fall between them. */
function batch(number: number): { token: string; rows: EventRow[] } {
  const from = number * BATCH + 1;
  const rows = sampleEvents(from, from + BATCH - 1).map((row, index) => ({ ...row, occurred_at: MONTH_END + (index % 2) * 2_000_000 }));
  return { token: `gateway/${from}`, rows };
}

describe('kill -9 of the engine', () => {
  it('loses nothing and doubles nothing when the open batch is replayed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'crash-'));
    let acknowledged = 0;
    let interrupted = 0;
    for (let round = 0; round < 8; round++) {
      const under = await openEmbedded(directory);
      // Recovery calls what the happy path calls: the batch that was open, and here also the one before it.
      if (acknowledged > 0) await under.store.appendEvents(batch(acknowledged - 1).token, batch(acknowledged - 1).rows);
      const kill = wait(5 + round * 37).then(() => process.kill(under.engine.pid, 'SIGKILL'));
      try {
        for (;;) {
          const { token, rows } = batch(acknowledged);
          await under.store.appendEvents(token, rows);
          acknowledged++;
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'engine_failed' });
        interrupted++;
      }
      await kill;
      await under.engine.exited;
      await under.store.close();
    }
    expect(interrupted).toBe(8);

    const under = await openEmbedded(directory);
    const open = batch(acknowledged);
    await under.store.appendEvents(open.token, open.rows);
    const expected = createHash('sha256');
    for (let number = 0; number <= acknowledged; number++) for (const row of batch(number).rows) expected.update(row.payload_hash);
    const total = (acknowledged + 1) * BATCH;
    expect(await under.store.rangeDigest('gateway', 1, 1_000_000_000)).toEqual({ count: total, digest: expected.digest('hex') });
    await under.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('types the failure and recovers on a new engine; a token is known after a restart', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'restart-'));
    const first = await openEmbedded(directory);
    const rows = sampleEvents(1, 20);
    await first.store.appendEvents('t', rows);
    await first.store.appendLeaves('r', sampleLeaves(rows, 0));
    await first.close();
    await expect(first.store.appendEvents('t', rows)).rejects.toMatchObject({ code: 'engine_failed' });
    const second = await openEmbedded(directory);
    await second.store.appendEvents('t', rows);
    await second.store.appendLeaves('r', sampleLeaves(rows, 0));
    expect(await second.store.query('SELECT count() AS n, max(leaf_index) AS top FROM audit.events')).toEqual([{ n: 20, top: 19 }]);
    expect(await second.store.query('SELECT count() AS n FROM ledger.leaves')).toEqual([{ n: 20 }]);
    expect(await second.store.query('SELECT count() AS n FROM ledger.leaf_runs')).toEqual([{ n: 1 }]);
    await second.close();
    rmSync(directory, { recursive: true, force: true });
  });
});

describe('restart of a died engine', () => {
  it('lets the same store go on: same address, same secrets, same data', async () => {
    const under = await openEmbedded();
    await under.store.appendEvents('before', sampleEvents(1, 5));
    process.kill(under.engine.pid, 'SIGKILL');
    expect(await under.engine.exited).toMatchObject({ expected: false });
    await expect(under.store.query('SELECT 1')).rejects.toMatchObject({ code: 'engine_failed' });
    const again = await under.engine.restart();
    expect(again.access).toEqual(under.engine.access);
    await under.store.appendEvents('after', sampleEvents(6, 9));
    expect((await under.store.rangeDigest('gateway', 1, 9)).count).toBe(9);
    await again.stop();
    await under.close();
  });
});

describe('exact bytes', () => {
  it('keeps every byte of raw, leaf, hashes, segments and data', async () => {
    const under = await openEmbedded();
    const every = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const raws = [
      every,
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.from('x\0\0\0'),
      Buffer.alloc(700_000, 0xfe),
      Buffer.from('{x:UInt8} \'"`\\\t\n\r', 'utf8'),
    ];
    const rows = raws.map((raw, index) =>
      sampleEvent(index + 1, {
        raw,
        leaf: raw.subarray(0, 200),
        prev_hash: Buffer.from(every.subarray(index, index + 32)),
        schema_sha256: Buffer.concat([Buffer.alloc(31, index), Buffer.from([0])]),
        occurred_at: SAMPLE_TIME + 123_456 + index,
        clock_offset_us: -5 - index,
        data: { text: 'ünï\u0000\u2028😀 "quoted" \\ {x:UInt8}', index },
        ...sampleSegments([{ text: 'täxt\0' }, { text: 'elsewhere', inline: false }]),
      }),
    );
    await under.store.appendEvents('bytes', rows);
    const held = await under.store.query<Record<string, string>>(
      `SELECT lower(hex(raw)) AS raw, lower(hex(leaf)) AS leaf, lower(hex(payload_hash)) AS payload_hash, lower(hex(prev_hash)) AS prev_hash,
        lower(hex(schema_sha256)) AS schema_sha256, toUnixTimestamp64Micro(occurred_at) AS occurred_at, clock_offset_us, data,
        arrayMap(one -> lower(hex(one)), segment_content) AS segment_content, arrayMap(one -> lower(hex(one)), segment_sha256) AS segment_sha256,
        segment_length, segment_inline
       FROM ledger.events ORDER BY seq`,
    );
    const hex = (bytes: Buffer): string => bytes.toString('hex');
    expect(held).toEqual(
      rows.map((row) => ({
        raw: hex(row.raw),
        leaf: hex(row.leaf),
        payload_hash: hex(row.payload_hash),
        prev_hash: hex(row.prev_hash),
        schema_sha256: hex(row.schema_sha256),
        occurred_at: row.occurred_at,
        clock_offset_us: row.clock_offset_us,
        data: row.data,
        segment_content: row.segment_content.map(hex),
        segment_sha256: row.segment_sha256.map(hex),
        segment_length: row.segment_length,
        segment_inline: row.segment_inline,
      })),
    );
    await under.close();
  });
});
