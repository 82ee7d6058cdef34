import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { turns } from '#wire';
import { openJournal } from './open-journal.js';
import { localSegmentFiles, type SegmentFiles } from './segment-files.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commit-turn-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('hands its frame to the disk before the large work that was waiting for the same turn', async () => {
  const order: string[] = [];
  const files: SegmentFiles = {
    ...localSegmentFiles,
    async open(path) {
      const file = await localSegmentFiles.open(path);
      return {
        close: () => file.close(),
        append(parts) {
          order.push('write');
          return file.append(parts);
        },
      };
    },
  };
  const { journal } = await openJournal({
    directory,
    sourceId: 's',
    key: Buffer.alloc(32, 5),
    segmentBytes: 1 << 20,
    highWaterBytes: 8 << 20,
    files,
  });
  const large = turns.next().then(() => order.push('large'));
  await journal.append([{ topic: 0, payload: Buffer.from('small') }]);
  await large;
  expect(order).toEqual(['write', 'large']);
  await journal.close();
});
