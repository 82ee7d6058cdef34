import { appendFile, mkdir, mkdtemp, open as openFile, readdir, readFile, rm, truncate, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bundleEntry } from '../../../test/support/bundle-entry.js';
import type { FileJournal } from './file-journal.js';
import { openJournal } from './open-journal.js';
import { SEGMENT_HEADER_BYTES, segmentName } from './format.js';
import { JournalReader } from './reader.js';
import { createWatermarks, type Watermarks } from './watermarks.js';

const key = Buffer.alloc(32, 6);
let directory: string;
let watermarks: Watermarks;
let journal: FileJournal;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reader-'));
  watermarks = createWatermarks(['s']);
});
afterEach(async () => {
  await journal.close();
  await rm(directory, { recursive: true, force: true });
});

const open = async (segmentBytes = 2_000): Promise<void> => {
  ({ journal } = await openJournal({ directory, sourceId: 's', key, segmentBytes, highWaterBytes: 64 << 20, watermarks }));
};
const readerOf = (withWatermark = true): JournalReader =>
  new JournalReader({ directory, sourceId: 's', key, ...(withWatermark ? { watermark: watermarks.get('s') as SharedArrayBuffer } : {}) });

const numbered = (seq: number): { topic: number; payload: Buffer } => ({ topic: seq % 6, payload: Buffer.from(String(seq).padEnd(100)) });
const append = async (count: number): Promise<void> => {
  const from = journal.nextSeq;
  for (let index = 0; index < count; index += 1) await journal.append([numbered(from + index)]);
};
const limits = { maxRecords: 7, maxBytes: 1 << 20 };
const numbers = (records: readonly { payload: Buffer }[]): number[] => records.map(({ payload }) => Number(payload.toString()));

it.each([true, false])('follows the writer over rolled segments (watermark: %s)', async (withWatermark) => {
  await open();
  const reader = readerOf(withWatermark);
  expect(await reader.read(1, limits)).toEqual([]);
  const seen: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    await append(5);
    expect(await reader.durableSeq()).toBe((round + 1) * 5);
    for (
      let records = await reader.read(seen.length + 1, limits);
      records.length > 0;
      records = await reader.read(seen.length + 1, limits)
    ) {
      seen.push(...numbers(records));
    }
    expect(seen.length).toBe((round + 1) * 5);
  }
  expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  await reader.close();
});

it('jumps to any seq, forwards and back', async () => {
  await open(20_000);
  for (let round = 0; round < 40; round += 1) {
    const from = journal.nextSeq;
    await journal.append(Array.from({ length: 10 }, (_, index) => numbered(from + index)));
  }
  const reader = readerOf();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 405 }), fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 20 }),
      async (jumps) => {
        for (const [from, maxRecords] of jumps) {
          const records = await reader.read(from, { maxRecords, maxBytes: 1 << 20 });
          const expected = Array.from({ length: Math.max(0, Math.min(maxRecords, 401 - from)) }, (_, index) => from + index);
          expect(numbers(records)).toEqual(expected);
          expect(records.map(({ seq, topic }) => [seq, topic])).toEqual(expected.map((seq) => [seq, seq % 6]));
        }
      },
    ),
    { numRuns: 30 },
  );
  await reader.close();
});

it('reads a segment to its end though it is trimmed meanwhile, and says when a seq is gone', async () => {
  await open();
  await append(60);
  const reader = readerOf();
  expect(numbers(await reader.read(1, { maxRecords: 2, maxBytes: 1 << 20 }))).toEqual([1, 2]);
  await journal.acknowledge(40, 41);
  const first = await readerOf().firstSeq();
  expect(first).toBeGreaterThan(20);
  // The open segment is still read; the next one is gone.
  let next = 3;
  await expect(
    (async () => {
      for (;;) next += (await reader.read(next, limits)).length;
    })(),
  ).rejects.toMatchObject({ code: 'not_found', where: `oldest is ${first}` });
  expect(next).toBeGreaterThan(3);
  await expect(readerOf().read(1, limits)).rejects.toMatchObject({ code: 'not_found' });
  expect(numbers(await reader.read(first, limits))[0]).toBe(first);
  await reader.close();
});

it('never looks behind the watermark, whatever is in the file', async () => {
  await open(1 << 20);
  await append(3);
  await appendFile(join(directory, '0000000000000001.seg'), Buffer.from('AFRM and half a frame'));
  const reader = readerOf();
  expect(numbers(await reader.read(1, limits))).toEqual([1, 2, 3]);
  expect(await reader.read(4, limits)).toEqual([]);
  expect(await reader.durableSeq()).toBe(3);
  await reader.close();
});

it('sees nothing before the source has a writer, and goes on over a restart of the writer', async () => {
  const reader = readerOf();
  expect(await reader.read(1, limits)).toEqual([]);
  expect(await reader.durableSeq()).toBe(0);
  await open();
  expect(await reader.read(1, limits)).toEqual([]);
  await journal.close();
  await open();
  await append(2);
  expect(numbers(await reader.read(1, limits))).toEqual([1, 2]);
  await journal.close();
  await open();
  await append(1);
  expect(numbers(await reader.read(3, limits))).toEqual([3]);
  await reader.close();
});

it('waits for the writer, or until the time is over', async () => {
  await open();
  const reader = readerOf();
  const before = performance.now();
  await reader.waitBeyond(0, 30);
  expect(performance.now() - before).toBeGreaterThan(20);
  const waited = reader.waitBeyond(0, 60_000);
  await append(1);
  await waited;
  expect(numbers(await reader.read(1, limits))).toEqual([1]);
  await reader.waitBeyond(0, 60_000);
  await reader.close();
});

it('follows a writer of another thread to the last record', async () => {
  const script = await bundleEntry(fileURLToPath(new URL('./reader-worker.fixture.ts', import.meta.url)), 'reader-worker');
  await open(200_000);
  const worker = new Worker(script, { workerData: { directory, key, watermarks, until: 5_000 } });
  const result = new Promise<{ count: number; dense: boolean; sum: number }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      for (let index = 0; index < 100; index += 1) await journal.append([numbered(journal.nextSeq)]);
    }),
  );
  expect(await result).toEqual({ count: 5_000, dense: true, sum: (5_000 * 5_001) / 2 });
  await worker.terminate();
  await rm(script, { force: true });
});

/** Steps of a writer of another process: how it writes all segments of `from` to `to`, `step` bytes at a time, with zeros ahead or without. */
async function* writingAnew(from: string, to: string, step: number, zerosAhead: number): AsyncGenerator<void> {
  for (const name of (await readdir(from)).filter((one) => one.endsWith('.seg')).sort()) {
    const bytes = await readFile(join(from, name));
    const path = join(to, name);
    await appendFile(path, bytes.subarray(0, SEGMENT_HEADER_BYTES));
    if (zerosAhead > 0) await truncate(path, bytes.length + zerosAhead);
    const file = await openFile(path, 'r+');
    for (let at = SEGMENT_HEADER_BYTES; at < bytes.length; at += step) {
      await file.write(bytes, at, Math.min(step, bytes.length - at), at);
      yield;
    }
    await file.truncate(bytes.length);
    await file.close();
  }
}

it('takes no frame for damaged that was being written when it looked, whatever came between two looks', { timeout: 120_000 }, async () => {
  await open(3_000);
  await append(60);
  const handle = await openFile(join(directory, segmentName(1)));
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const read = prototype.read;
  for (const zerosAhead of [0, 5_000]) {
    for (const step of [7, 20, 50, 90, 149, 150, 151, 300, 450, 1_000, 2_900, 10_000]) {
      const target = join(directory, `${zerosAhead}-${step}`);
      await mkdir(target);
      const writer = writingAnew(directory, target, step, zerosAhead);
      await writer.next();
      // Between any two reads the writer gets on by a step.
      const spy = vi.spyOn(prototype, 'read').mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
        const result = await Reflect.apply(read, this, args);
        await writer.next();
        return result;
      });
      const reader = new JournalReader({ directory: target, sourceId: 's', key });
      const seen: number[] = [];
      for (let looks = 0; seen.length < 60 && looks < 10_000; looks += 1) {
        const records = await reader.read(seen.length + 1, { maxRecords: 3, maxBytes: 1 << 20 });
        seen.push(...numbers(records));
        expect(await reader.durableSeq()).toBeGreaterThanOrEqual(seen.length);
      }
      spy.mockRestore();
      await writer.return(undefined);
      await reader.close();
      expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    }
  }
});
