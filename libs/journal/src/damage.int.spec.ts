import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { openJournal, type OpenedJournal } from './open-journal.js';
import { JournalReader } from './reader.js';

const key = Buffer.alloc(32, 3);
const FIRST = '0000000000000001.seg';
const payloads = ['first', 'second', 'third'].map((text) => Buffer.from(text));

let root: string;
/** The segment of a writer that was killed: three frames, no seal. */
let killed: Buffer;
/** The same, closed cleanly. */
let sealed: Buffer;
/** Ends of the frames. */
let ends: number[];
let directories = 0;

const open = (directory: string, segmentBytes = 1 << 20): Promise<OpenedJournal> =>
  openJournal({ directory, sourceId: 's', key, segmentBytes, highWaterBytes: 8 << 20 });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'damage-'));
  const directory = join(root, 'original');
  const { journal } = await open(directory);
  ends = [];
  for (const payload of payloads) {
    await journal.append([{ topic: 0, payload }]);
    ends.push((await readFile(join(directory, FIRST))).length);
  }
  killed = await readFile(join(directory, FIRST));
  await journal.close();
  sealed = await readFile(join(directory, FIRST));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const withSegment = async (bytes: Buffer): Promise<string> => {
  directories += 1;
  const directory = join(root, String(directories));
  await mkdir(directory);
  await writeFile(join(directory, FIRST), bytes);
  return directory;
};

const readTexts = async (directory: string): Promise<string[]> => {
  const reader = new JournalReader({ directory, sourceId: 's', key });
  const records = await reader.read(1, { maxRecords: 100, maxBytes: 1 << 20 });
  await reader.close();
  return records.map(({ payload }) => payload.toString());
};

const expectRefused = async (bytes: Buffer, where: RegExp = /\.seg at byte \d+$/): Promise<void> => {
  const directory = await withSegment(bytes);
  await expect(open(directory)).rejects.toMatchObject({ code: 'journal_corrupt', where: expect.stringMatching(where) as string });
  // The evidence is as it was found: nothing cut, nothing added.
  expect((await readFile(join(directory, FIRST))).equals(bytes)).toBe(true);
  expect(await readdir(directory)).toEqual([FIRST]);
  await rm(directory, { recursive: true });
};

/** Opens, expects a cut, and that the journal goes on. */
const expectCut = async (bytes: Buffer, kept: number, tornBytes: number): Promise<void> => {
  const directory = await withSegment(bytes);
  // A reader that has no watermark sees the torn tail as not there yet.
  expect(await readTexts(directory)).toEqual(['first', 'second', 'third'].slice(0, kept));
  const opened = await open(directory);
  // Zeros at the end are not counted: they may stand there for frames to come.
  const zeros = bytes.length - 1 - bytes.findLastIndex((byte) => byte !== 0);
  expect(opened.tornBytes).toBe(Math.max(0, tornBytes - zeros));
  expect(opened.journal.nextSeq).toBe(kept + 1);
  await opened.journal.append([{ topic: 0, payload: Buffer.from('next') }]);
  await opened.journal.close();
  expect(await readTexts(directory)).toEqual([...['first', 'second', 'third'].slice(0, kept), 'next']);
  await rm(directory, { recursive: true });
};

describe('torn tail', () => {
  it('is cut at every byte of the last frame', { timeout: 120_000 }, async () => {
    const start = ends[1] as number;
    for (let size = start; size < killed.length; size += 1) await expectCut(killed.subarray(0, size), 2, size - start);
    await expectCut(killed, 3, 0);
  });

  it('is cut at every byte of the first frame, when that is all there is', { timeout: 120_000 }, async () => {
    for (let size = SEGMENT_HEADER_BYTES; size < (ends[0] as number); size += 1) {
      await expectCut(killed.subarray(0, size), 0, size - SEGMENT_HEADER_BYTES);
    }
  });

  it('is cut when the file grew but the last sectors were not written', { timeout: 120_000 }, async () => {
    const start = ends[1] as number;
    for (let size = start; size < killed.length; size += 7) {
      const zeroed = Buffer.concat([killed.subarray(0, size), Buffer.alloc(killed.length - size)]);
      await expectCut(zeroed, 2, killed.length - start);
    }
  });

  it('leaves nothing that is encrypted twice under one key and nonce', async () => {
    const directory = await withSegment(killed.subarray(0, (ends[0] as number) - 1));
    const { journal } = await open(directory);
    await journal.append([{ topic: 0, payload: Buffer.from('first') }]);
    const again = await readFile(join(directory, FIRST));
    await journal.close();
    const text = (bytes: Buffer): Buffer => bytes.subarray(SEGMENT_HEADER_BYTES + 32, SEGMENT_HEADER_BYTES + 32 + 10);
    expect(again.length).toBe(ends[0]);
    expect(text(again).equals(text(killed))).toBe(false);
  });

  it('of a seal costs nothing', async () => {
    for (let size = killed.length + 1; size < sealed.length; size += 5) await expectCut(sealed.subarray(0, size), 3, size - killed.length);
    await expectCut(sealed, 3, 0);
  });
});

describe('damage before the tail', () => {
  it('is refused for a flipped bit at every byte before the last frame', { timeout: 120_000 }, async () => {
    for (let at = 0; at < (ends[1] as number); at += 1) {
      const flipped = Buffer.from(killed);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      await expectRefused(flipped);
    }
  });

  it('is refused for the last frame too after a clean close', { timeout: 120_000 }, async () => {
    for (let at = ends[1] as number; at < killed.length; at += 1) {
      const flipped = Buffer.from(sealed);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      await expectRefused(flipped);
    }
  });

  it('is refused when only a torn frame follows: the damaged one was durable before that was begun', async () => {
    const flipped = Buffer.from(killed);
    const inSecond = (ends[1] as number) - 1;
    flipped[inSecond] = (flipped[inSecond] ?? 0) ^ 1;
    for (let size = (ends[1] as number) + 1; size < killed.length; size += 3) await expectRefused(flipped.subarray(0, size));
  });

  it('is refused for a frame that is missing, doubled or moved', async () => {
    const frame = (index: number): Buffer => killed.subarray(ends[index - 1] ?? SEGMENT_HEADER_BYTES, ends[index]);
    const head = killed.subarray(0, SEGMENT_HEADER_BYTES);
    await expectRefused(Buffer.concat([head, frame(1), frame(2)]));
    await expectRefused(Buffer.concat([head, frame(0), frame(0), frame(1), frame(2)]));
    await expectRefused(Buffer.concat([head, frame(1), frame(0), frame(2)]));
    await expectRefused(Buffer.concat([sealed, frame(2)]));
    await expectRefused(Buffer.concat([sealed, Buffer.from('more')]));
  });

  it('is refused for a whole frame of another key, though its CRCs are right', async () => {
    const directory = join(root, 'foreign');
    const { journal } = await openJournal({
      directory,
      sourceId: 's',
      key: Buffer.alloc(32, 4),
      segmentBytes: 1 << 20,
      highWaterBytes: 8 << 20,
    });
    await journal.append([{ topic: 0, payload: Buffer.from('first') }]);
    const foreign = await readFile(join(directory, FIRST));
    await journal.close();
    await expectRefused(Buffer.concat([killed.subarray(0, SEGMENT_HEADER_BYTES), foreign.subarray(SEGMENT_HEADER_BYTES)]));
  });
});

describe('several segments', () => {
  let many: string;
  let names: string[];
  beforeAll(async () => {
    many = join(root, 'many');
    for (let life = 0; life < 2; life += 1) {
      const { journal } = await open(many, 2_000);
      for (let index = 0; index < 6; index += 1) await journal.append([{ topic: 0, payload: Buffer.alloc(900, index) }]);
      await journal.close();
    }
    names = (await readdir(many)).filter((name) => name.endsWith('.seg')).sort();
  });

  const damaged = async (change: (directory: string) => Promise<void>): Promise<void> => {
    directories += 1;
    const directory = join(root, String(directories));
    await cp(many, directory, { recursive: true });
    await change(directory);
    await expect(open(directory)).rejects.toMatchObject({ code: 'journal_corrupt' });
    const reader = new JournalReader({ directory, sourceId: 's', key });
    await expect(
      (async () => {
        for (let next = await reader.firstSeq(); ;) {
          const records = await reader.read(next, { maxRecords: 3, maxBytes: 1 << 20 });
          if (records.length === 0) return;
          next += records.length;
        }
      })(),
    ).rejects.toMatchObject({ code: 'journal_corrupt' });
    await reader.close();
  };

  it('are refused when one in between is missing', async () => {
    expect(names.length).toBeGreaterThan(4);
    await damaged((directory) => rm(join(directory, names[2] as string)));
  });

  it('are refused when one is another one renamed', () =>
    damaged(async (directory) => {
      await rm(join(directory, names[2] as string));
      await cp(join(directory, names[1] as string), join(directory, names[2] as string));
    }));

  it('are refused when one that is not the last ends early', () =>
    damaged(async (directory) => {
      const path = join(directory, names[1] as string);
      await writeFile(path, (await readFile(path)).subarray(0, -30));
    }));

  it('are refused when they belong to another source', async () => {
    const directory = join(root, 'other-source');
    await cp(many, directory, { recursive: true });
    await expect(openJournal({ directory, sourceId: 't', key, segmentBytes: 2_000, highWaterBytes: 8 << 20 })).rejects.toMatchObject({
      code: 'journal_corrupt',
      message: expect.stringContaining('belongs to source s') as string,
    });
  });

  it('keep their boot epoch when its file is lost, and refuse a damaged one', async () => {
    const directory = join(root, 'epochs');
    await cp(many, directory, { recursive: true });
    await rename(join(directory, 'epoch'), join(directory, 'lost'));
    const { journal, lastEpoch } = await open(directory);
    expect([lastEpoch, journal.bootEpoch]).toEqual([2, 3]);
    await journal.close();
    await writeFile(join(directory, 'epoch'), 'many');
    await expect(open(directory)).rejects.toMatchObject({ code: 'journal_corrupt' });
  });
});
