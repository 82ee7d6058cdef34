import { constants } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FileJournal } from './file-journal.js';
import { openJournal, type OpenedJournal } from './open-journal.js';
import { JournalReader } from './reader.js';
import { createWatermarks } from './watermarks.js';

const key = Buffer.alloc(32, 3);
const FIRST = '0000000000000001.seg';
const FRAMES = 40;
/** A frame of no records. */
const SEAL_BYTES = 32 + 16;
let root: string;
let directories = 0;
/** The segment of a writer that was killed: frames, and zeros for more. */
let killed: Buffer;
/** Where its frames end, and where the last one begins. */
let end: number;
let last: number;

const open = (directory: string, watermarks?: ReturnType<typeof createWatermarks>): Promise<OpenedJournal> =>
  openJournal({
    directory,
    sourceId: 's',
    key,
    segmentBytes: 8 << 20,
    highWaterBytes: 64 << 20,
    ...(watermarks === undefined ? {} : { watermarks }),
  });

const payload = (index: number, bytes = 3_000): Buffer => Buffer.alloc(bytes, `${index} and more. `);
const append = (journal: FileJournal, index: number, bytes?: number): Promise<void> =>
  journal.append([{ topic: 1, payload: payload(index, bytes) }]);
/** Bytes before the zeros at the end: a tag that ends with a zero byte would count as one less. */
const used = (bytes: Buffer): number => bytes.findLastIndex((byte) => byte !== 0) + 1;
const sizeOf = async (directory: string): Promise<number> => (await stat(join(directory, FIRST))).size;

async function withZeros(directory: string): Promise<FileJournal> {
  const { journal } = await open(directory);
  for (let index = 0; index < FRAMES; index += 1) await append(journal, index);
  await vi.waitFor(async () => expect(await sizeOf(directory)).toBeGreaterThan(1 << 20), { timeout: 60_000 });
  return journal;
}

async function withSegment(bytes: Buffer): Promise<string> {
  directories += 1;
  const directory = join(root, String(directories));
  await mkdir(directory);
  await writeFile(join(directory, FIRST), bytes);
  return directory;
}

async function readAll(reader: JournalReader, from = 1): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const records = await reader.read(from + texts.length, { maxRecords: 7, maxBytes: 1 << 20 });
    if (records.length === 0) return texts;
    texts.push(...records.map((record) => record.payload.toString()));
  }
}

const textsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => payload(index).toString());

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'zeros-'));
  const directory = join(root, 'original');
  const journal = await withZeros(directory);
  // Until the last step of zeros is whole the file may still grow.
  await append(journal, FRAMES);
  killed = await readFile(join(directory, FIRST));
  await journal.close();
  end = (await sizeOf(directory)) - SEAL_BYTES;
  last = end - (3_000 + 5 + 32 + 16);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('zeros ahead of the frames', () => {
  it.runIf(process.platform === 'linux')('stand in a file whose every write is on the disk when it returns', async () => {
    const directory = join(root, 'flags');
    const journal = await withZeros(directory);
    const flags: number[] = [];
    for (const fd of await readdir('/proc/self/fd')) {
      const target = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
      if (target !== join(directory, FIRST)) continue;
      flags.push(parseInt(/^flags:\s*([0-7]+)/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!, 8));
    }
    expect(flags.length).toBeGreaterThan(0);
    expect(flags.some((one) => (one & constants.O_DSYNC) !== 0)).toBe(true);
    await journal.close();
  });

  it('are cut off by a clean close, and the segment is what it is without them', async () => {
    const closed = await readFile(join(root, 'original', FIRST));
    expect(closed.subarray(0, end).equals(killed.subarray(0, end))).toBe(true);
    expect(used(killed)).toBeLessThanOrEqual(end);
    expect(killed.length).toBeGreaterThan(closed.length + 500_000);
  });

  it('are an end like any other when the writer was killed', async () => {
    const directory = await withSegment(killed);
    const reader = new JournalReader({ directory, sourceId: 's', key });
    expect(await readAll(reader)).toEqual(textsOf(FRAMES + 1));
    expect(await reader.durableSeq()).toBe(FRAMES + 1);
    await reader.close();
    const opened = await open(directory);
    expect(opened.tornBytes).toBe(0);
    expect(opened.journal.nextSeq).toBe(FRAMES + 2);
    expect(await sizeOf(directory)).toBe(end);
    await opened.journal.close();
  });

  it('are an end behind a seal and in a segment that is not the last, where a crash left them before they were cut off', async () => {
    const sealed = await readFile(join(root, 'original', FIRST));
    const directory = await withSegment(Buffer.concat([sealed, Buffer.alloc(1 << 20)]));
    const opened = await open(directory);
    expect(opened.tornBytes).toBe(0);
    await append(opened.journal, FRAMES + 1);
    await opened.journal.close();
    const zeros = Buffer.concat([sealed, Buffer.alloc(1 << 20)]);
    await writeFile(join(directory, FIRST), zeros);
    const again = await open(directory);
    expect(again.journal.nextSeq).toBe(FRAMES + 3);
    await again.journal.close();
    const reader = new JournalReader({ directory, sourceId: 's', key });
    expect(await readAll(reader)).toEqual(textsOf(FRAMES + 2));
    await reader.close();
    // Anything else there is damage.
    zeros[zeros.length - 1] = 1;
    await writeFile(join(directory, FIRST), zeros);
    await expect(open(directory)).rejects.toMatchObject({ code: 'journal_corrupt' });
  });

  it('take a torn frame in place of some of them: it is cut', { timeout: 120_000 }, async () => {
    for (let size = last + 1; size < end; size += 151) {
      const torn = Buffer.from(killed);
      torn.fill(0, size);
      const directory = await withSegment(torn);
      const opened = await open(directory);
      expect(opened.tornBytes).toBe(used(torn) - last);
      expect(opened.journal.nextSeq).toBe(FRAMES + 1);
      expect(await sizeOf(directory)).toBe(last);
      await opened.journal.close();
      await rm(directory, { recursive: true });
    }
    // Sectors reach the disk in any order: the beginning may be missing.
    const torn = Buffer.from(killed);
    torn.fill(0, last, last + 512);
    const opened = await open(await withSegment(torn));
    expect(opened.journal.nextSeq).toBe(FRAMES + 1);
    await opened.journal.close();
  });

  it('do not hide damage before the tail, nor anything behind them', { timeout: 120_000 }, async () => {
    const damaged: Buffer[] = [];
    for (let at = 200; at < last; at += 6_007) {
      const flipped = Buffer.from(killed);
      flipped[at] = flipped[at]! ^ 0x10;
      damaged.push(flipped);
    }
    // A frame that is gone, with another one behind it.
    const hole = Buffer.from(killed);
    hole.fill(0, last - (end - last), last);
    damaged.push(hole);
    // A whole frame far behind the end.
    const moved = Buffer.from(killed);
    killed.copy(moved, end + 100_000, last, end);
    damaged.push(moved);
    for (const bytes of damaged) {
      const directory = await withSegment(bytes);
      await expect(open(directory)).rejects.toMatchObject({ code: 'journal_corrupt' });
      expect((await readFile(join(directory, FIRST))).equals(bytes)).toBe(true);
      await rm(directory, { recursive: true });
    }
  });

  it('are read over by who follows the writer, also where frames have taken their place since', async () => {
    const directory = join(root, 'followed');
    const watermarks = createWatermarks(['s']);
    const { journal } = await open(directory, watermarks);
    const readers = [
      new JournalReader({ directory, sourceId: 's', key }),
      new JournalReader({ directory, sourceId: 's', key, watermark: watermarks.get('s') as SharedArrayBuffer }),
    ];
    const seen = readers.map((): string[] => []);
    for (let index = 0; index < 400; index += 1) {
      await append(journal, index, index % 50 === 49 ? 300_000 : 3_000);
      if (index % 3 === 0) for (const [i, reader] of readers.entries()) seen[i]!.push(...(await readAll(reader, seen[i]!.length + 1)));
    }
    await journal.close();
    for (const [i, reader] of readers.entries()) {
      seen[i]!.push(...(await readAll(reader, seen[i]!.length + 1)));
      expect(seen[i]!.map((text) => text.slice(0, 4))).toEqual(
        Array.from({ length: 400 }, (_, index) => payload(index).toString().slice(0, 4)),
      );
      await reader.close();
    }
    expect(await readdir(directory)).toContain(FIRST);
  });

  it('never come over a frame: large ones that pass them while they are written', async () => {
    const directory = join(root, 'passed');
    const { journal } = await open(directory);
    const sizes = Array.from({ length: 300 }, (_, index) => (index % 7 === 3 ? 700_000 : 4_000));
    await Promise.all(sizes.slice(0, 150).map((bytes, index) => append(journal, index, bytes)));
    for (const [index, bytes] of sizes.slice(150).entries()) await append(journal, 150 + index, bytes);
    await journal.close();
    const opened = await open(directory);
    expect(opened.journal.nextSeq).toBe(sizes.length + 1);
    await opened.journal.close();
    const reader = new JournalReader({ directory, sourceId: 's', key });
    expect((await readAll(reader)).map((text) => text.length)).toEqual(sizes);
    await reader.close();
  });
});
