import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, type JournalOptions } from './open-journal.js';
import { JournalReader } from './reader.js';
import type { JournalRecord, StoredRecord } from './port.js';

const key = Buffer.alloc(32, 7);
const record = (text: string, topic = 1): JournalRecord => ({ topic, payload: Buffer.from(text) });
const texts = (records: readonly StoredRecord[]): string[] => records.map(({ seq, payload }) => `${seq}:${payload.toString()}`);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const options = (change: Partial<JournalOptions> = {}): JournalOptions => ({
  directory,
  sourceId: 'gateway',
  key,
  segmentBytes: 1 << 20,
  highWaterBytes: 64 << 20,
  ...change,
});

const readAll = async (from = 1): Promise<StoredRecord[]> => {
  const reader = new JournalReader({ directory, sourceId: 'gateway', key });
  const all: StoredRecord[] = [];
  for (;;) {
    const records = await reader.read(from + all.length, { maxRecords: 100, maxBytes: 1 << 20 });
    if (records.length === 0) break;
    all.push(...records);
  }
  await reader.close();
  return all;
};

describe('journal', () => {
  it('keeps records in order over restarts, dense, with a growing boot epoch', async () => {
    const first = await openJournal(options());
    expect(first.journal.nextSeq).toBe(1);
    expect(first.journal.lastHash).toEqual(Buffer.alloc(32));
    const one = first.journal.append([record('a'), record('b', 2)]);
    expect(first.journal.nextSeq).toBe(3);
    const two = first.journal.append([record('c')]);
    await Promise.all([one, two]);
    expect(first.journal.durableSeq).toBe(3);
    await first.journal.close();

    const second = await openJournal(options());
    expect(second).toMatchObject({ tornBytes: 0, lastEpoch: 1 });
    expect(second.journal.bootEpoch).toBe(2);
    expect(second.journal.lastHash).toEqual(createHash('sha256').update('c').digest());
    await second.journal.append([record('d')]);
    await second.journal.close();
    expect(texts(await readAll())).toEqual(['1:a', '2:b', '3:c', '4:d']);
    expect((await readAll(2))[0]).toMatchObject({ seq: 2, topic: 2 });
  });

  it('opens again and again without a record in between', async () => {
    for (let epoch = 1; epoch <= 3; epoch += 1) {
      const { journal } = await openJournal(options());
      expect(journal.bootEpoch).toBe(epoch);
      await journal.close();
    }
    const { journal } = await openJournal(options());
    await journal.append([record('x')]);
    await journal.close();
    expect(texts(await readAll())).toEqual(['1:x']);
    expect((await readdir(directory)).sort()).toEqual(['0000000000000001.seg', 'epoch']);
  });

  it('rolls segments, and the chain of hashes goes on over the roll and the restart', async () => {
    const opened = await openJournal(options({ segmentBytes: 4096 }));
    for (let index = 0; index < 40; index += 1) await opened.journal.append([{ topic: 0, payload: Buffer.alloc(500, index) }]);
    const { lastHash } = opened.journal;
    await opened.journal.close();
    expect((await readdir(directory)).filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(4);
    const again = await openJournal(options({ segmentBytes: 4096 }));
    expect(again.journal.lastHash).toEqual(lastHash);
    expect(again.journal.nextSeq).toBe(41);
    await again.journal.close();
    expect((await readAll()).map(({ payload }) => payload[0])).toEqual(Array.from({ length: 40 }, (_, index) => index));
  });

  it('writes records far larger than a slice, a batch or a segment', async () => {
    const { journal } = await openJournal(options());
    const large = [300_000, 5_000_000, 262_144 - 5, 262_144, 1].map((bytes) => ({ topic: 3, payload: randomBytes(bytes) }));
    await Promise.all([journal.append(large), journal.append([record('after')])]);
    await journal.close();
    const all = await readAll();
    expect(all.map(({ payload }) => payload.length)).toEqual([300_000, 5_000_000, 262_139, 262_144, 1, 5]);
    for (const [index, { payload }] of large.entries()) expect(all[index]?.payload.equals(payload)).toBe(true);
  });

  it('is encrypted: neither the text nor the same ciphertext twice is on the disk', async () => {
    const { journal } = await openJournal(options());
    await journal.append([record('4111 1111 1111 1111')]);
    await journal.append([record('4111 1111 1111 1111')]);
    await journal.close();
    const bytes = await readFile(join(directory, '0000000000000001.seg'));
    expect(bytes.includes('4111')).toBe(false);
    const frame = (at: number): Buffer => bytes.subarray(192 + at * (32 + 24 + 16) + 32, 192 + at * (32 + 24 + 16) + 32 + 24);
    expect(frame(0).equals(frame(1))).toBe(false);
    await expect(
      new JournalReader({ directory, sourceId: 'gateway', key: randomBytes(32) }).read(1, { maxRecords: 1, maxBytes: 1 }),
    ).rejects.toMatchObject({
      code: 'journal_corrupt',
    });
    await expect(openJournal(options({ key: randomBytes(32) }))).rejects.toMatchObject({ code: 'journal_corrupt' });
  });

  it('has one writer', async () => {
    const { journal } = await openJournal(options());
    await expect(openJournal(options())).rejects.toMatchObject({ code: 'journal_locked' });
    await journal.close();
    await (await openJournal(options())).journal.close();
  });

  it('refuses above the high-water mark before anything is assigned, and takes again after an acknowledgement', async () => {
    const { journal } = await openJournal(options({ segmentBytes: 10_000, highWaterBytes: 40_000 }));
    const payload = Buffer.alloc(3_000);
    let stored = 0;
    for (;;) {
      const { nextSeq } = journal;
      const failure = await journal.append([{ topic: 0, payload }]).then(
        () => null,
        (error: Error) => error,
      );
      if (failure !== null) {
        expect(failure).toMatchObject({ code: 'journal_full' });
        expect(journal.nextSeq).toBe(nextSeq);
        break;
      }
      stored += 1;
    }
    expect(stored).toBe(12);
    expect(journal.pendingBytes).toBeLessThanOrEqual(40_000);
    await journal.acknowledge(8, 5);
    expect(await new JournalReader({ directory, sourceId: 'gateway', key }).firstSeq()).toBe(4);
    await journal.append([{ topic: 0, payload }]);
    await expect(readAll(1)).rejects.toMatchObject({ code: 'not_found' });
    expect((await readAll(4)).map(({ seq }) => seq)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    await journal.close();
    const again = await openJournal(options());
    expect(again.journal.nextSeq).toBe(14);
    await again.journal.close();
  });

  it('refuses appends after close', async () => {
    const { journal } = await openJournal(options());
    const last = journal.append([record('x')]);
    await journal.close();
    await last;
    await expect(journal.append([record('y')])).rejects.toMatchObject({ code: 'journal_failed' });
  });

  it.each(['', '../up', 'a/b', '.hidden', 'x'.repeat(65)])('refuses the source id %j', async (sourceId) => {
    await expect(openJournal(options({ sourceId }))).rejects.toMatchObject({ code: 'usage_invalid' });
  });
});
