import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointStoreContract, STATE } from './contract/checkpoint-store.contract.js';
import { cosignedStoreContract } from './contract/cosigned-store.contract.js';
import { tileStoreContract } from './contract/tile-store.contract.js';
import {
  FileCheckpointStore,
  FileCosignedStore,
  FileTileStore,
  MemoryCheckpointStore,
  MemoryCosignedStore,
  MemoryTileStore,
} from './index.js';
import type { CheckpointStore } from './index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tlog-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const conflict = expect.objectContaining({ code: 'ledger_conflict' });

tileStoreContract('FileTileStore', async () => new FileTileStore(join(directory, 'tiles')));
tileStoreContract('MemoryTileStore', async () => new MemoryTileStore());

cosignedStoreContract('FileCosignedStore', async () => new FileCosignedStore(join(directory, 'tiles')));
cosignedStoreContract('MemoryCosignedStore', async () => new MemoryCosignedStore());

const CHECKPOINT_STORES: [string, () => CheckpointStore][] = [
  ['files', () => new FileCheckpointStore(join(directory, 'state', 'checkpoint.json'))],
  ['memory', () => new MemoryCheckpointStore()],
];

for (const [name, make] of CHECKPOINT_STORES) checkpointStoreContract(name, make);

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
