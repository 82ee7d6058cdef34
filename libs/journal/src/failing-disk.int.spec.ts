import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, type OpenedJournal } from './open-journal.js';
import { JournalReader } from './reader.js';
import { after, localSegmentFiles, type SegmentFiles } from './segment-files.js';
import { createWatermarks, readWatermark, type Watermarks } from './watermarks.js';

const key = Buffer.alloc(32, 5);
let directory: string;
let watermarks: Watermarks;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'failing-'));
  watermarks = createWatermarks(['s']);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (files?: SegmentFiles): Promise<OpenedJournal> =>
  openJournal({
    directory,
    sourceId: 's',
    key,
    segmentBytes: 2_000,
    highWaterBytes: 8 << 20,
    watermarks,
    ...(files === undefined ? {} : { files }),
  });

const enospc = (): Error => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

/** How much of the failing write reaches the file all the same. */
type Applied = 'nothing' | 'half' | 'everything';

/** A disk whose write number `failing` fails, after applying some of it. */
function failingDisk(failing: number, applied: Applied): SegmentFiles {
  let writes = 0;
  return {
    ...localSegmentFiles,
    async open(path) {
      const file = await localSegmentFiles.open(path);
      return {
        close: () => file.close(),
        async append(parts) {
          writes += 1;
          if (writes !== failing) return file.append(parts);
          const bytes = Buffer.concat(parts);
          if (applied !== 'nothing') await appendFile(path, applied === 'half' ? bytes.subarray(0, bytes.length / 2) : bytes);
          throw enospc();
        },
      };
    },
  };
}

const record = (text: string) => [{ topic: 0, payload: Buffer.from(text) }];

describe.each<[Applied, string[]]>([
  ['nothing', ['a', 'b']],
  ['half', ['a', 'b']],
  ['everything', ['a', 'b', 'c', 'd']],
])('a write that fails after applying %s', (applied, survivors) => {
  it('fails who waits and who comes later, and no seq is used for two records', async () => {
    const { journal } = await open(failingDisk(3, applied));
    await journal.append(record('a'));
    await journal.append(record('b'));
    const waiting = ['c', 'd'].map((text) => journal.append(record(text)));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code)).toEqual([
      'journal_failed',
      'journal_failed',
    ]);
    await expect(journal.append(record('e'))).rejects.toMatchObject({ code: 'journal_failed' });
    expect(journal.nextSeq).toBe(5);
    expect(journal.durableSeq).toBe(2);
    expect(readWatermark(watermarks.get('s') as SharedArrayBuffer)).toBe(2);
    // What was not acknowledged is not shown either, though it may be in the file.
    const reader = new JournalReader({ directory, sourceId: 's', key, watermark: watermarks.get('s') as SharedArrayBuffer });
    expect(await reader.read(1, { maxRecords: 9, maxBytes: 999 })).toHaveLength(2);
    await reader.close();
    await journal.close();

    const again = await open();
    expect(again.tornBytes > 0).toBe(applied === 'half');
    expect(again.journal.nextSeq).toBe(survivors.length + 1);
    await again.journal.append(record('f'));
    const everything = new JournalReader({ directory, sourceId: 's', key });
    const all = await everything.read(1, { maxRecords: 9, maxBytes: 999 });
    await everything.close();
    expect(all.map(({ payload }) => payload.toString())).toEqual([...survivors, 'f']);
    await again.journal.close();
  });
});

it('a segment that cannot be created fails the journal', async () => {
  let created = 0;
  const files: SegmentFiles = {
    ...localSegmentFiles,
    create: (path, header) => {
      created += 1;
      return created === 1 ? localSegmentFiles.create(path, header) : Promise.reject(enospc());
    },
  };
  const { journal } = await open(files);
  await journal.append([{ topic: 0, payload: Buffer.alloc(1_500) }]);
  await expect(journal.append([{ topic: 0, payload: Buffer.alloc(1_500) }])).rejects.toMatchObject({ code: 'journal_failed' });
  await journal.close();
  const again = await open();
  expect(again.journal.nextSeq).toBe(2);
  await again.journal.close();
});

it('a segment that somebody else created fails the journal: there are two writers', async () => {
  const { journal } = await open();
  await journal.append([{ topic: 0, payload: Buffer.alloc(1_500) }]);
  await localSegmentFiles.create(join(directory, '0000000000000002.seg'), Buffer.from('other'));
  await expect(journal.append([{ topic: 0, payload: Buffer.alloc(1_500) }])).rejects.toMatchObject({
    code: 'journal_failed',
    message: expect.stringContaining('another writer') as string,
  });
  await journal.close();
});

it('a directory that cannot be made is a journal that cannot be opened, and the lock is free again', async () => {
  const files: SegmentFiles = { ...localSegmentFiles, create: () => Promise.reject(enospc()) };
  await expect(open(files)).rejects.toMatchObject({ code: 'journal_failed' });
  await (await open()).journal.close();
});

it('a write that takes only some bytes goes on with the rest', () => {
  const parts = ['abc', '', 'de', 'f'].map((text) => Buffer.from(text));
  const whole = 'abcdef';
  for (let written = 0; written <= whole.length; written += 1) {
    expect(Buffer.concat(after(parts, written)).toString()).toBe(whole.slice(written));
  }
});
