import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tileStoreContract } from './contract/tile-store.contract.js';
import { FileCheckpointStore, FileTileStore, MemoryCheckpointStore, MemoryTileStore } from './index.js';
import type { CheckpointStore, SealedState } from './index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tlog-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const conflict = expect.objectContaining({ code: 'ledger_conflict' });

tileStoreContract('FileTileStore', async () => new FileTileStore(join(directory, 'tiles')));
tileStoreContract('MemoryTileStore', async () => new MemoryTileStore());

const STATE: SealedState = {
  round: 1,
  tree_size: 2,
  root_hash: 'ab'.repeat(32),
  note: 'note\n',
  frontiers: { gateway: 2 },
  heads: { gateway: 'cd'.repeat(32) },
  offsets: { gateway: 3 },
  sealed_at: 5,
  open: null,
};
const NEXT: SealedState = {
  ...STATE,
  open: {
    round: 2,
    base_size: 2,
    new_size: 3,
    new_root: 'ef'.repeat(32),
    ranges: [{ partition: 'gateway', from: 3, to: 3 }],
    sealed_at: 6,
  },
};

const CHECKPOINT_STORES: [string, () => CheckpointStore][] = [
  ['files', () => new FileCheckpointStore(join(directory, 'state', 'checkpoint.json'))],
  ['memory', () => new MemoryCheckpointStore()],
];

describe.each(CHECKPOINT_STORES)('checkpoint store in %s', (_, make) => {
  it('compares and swaps', async () => {
    const store = make();
    expect(await store.fetch()).toBeNull();
    await store.replace(null, STATE);
    await expect(store.replace(null, NEXT)).rejects.toEqual(conflict);
    await expect(store.replace({ ...STATE, round: 0 }, NEXT)).rejects.toEqual(conflict);
    await store.replace(STATE, NEXT);
    expect(await store.fetch()).toEqual(NEXT);
  });

  it('lets one of many racing writers win', async () => {
    const store = make();
    const tried = await Promise.allSettled(Array.from({ length: 8 }, (_unused, round) => store.replace(null, { ...STATE, round })));
    expect(tried.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });
});

describe('files', () => {
  it('publish the checkpoint beside the tiles', async () => {
    await new FileTileStore(join(directory, 'tiles')).publish('note\n');
    expect(await readFile(join(directory, 'tiles', 'checkpoint'), 'utf8')).toBe('note\n');
    expect(await readdir(join(directory, 'tiles'))).toEqual(['checkpoint']);
  });

  it('refuse a damaged state', async () => {
    const path = join(directory, 'checkpoint.json');
    for (const text of ['', '{', '{}', JSON.stringify({ ...STATE, extra: 1 }), JSON.stringify({ ...STATE, root_hash: 'AB' })]) {
      await writeFile(path, text);
      await expect(new FileCheckpointStore(path).fetch(), text).rejects.toEqual(conflict);
    }
  });
});
