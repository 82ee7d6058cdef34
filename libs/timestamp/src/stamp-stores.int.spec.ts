import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseStampPath, stampPath } from './stamp-path.js';
import { FileStampStore, MemoryStampStore } from './stamp-stores.js';
import type { StampStore } from './port.js';

const place = { size: 42, authority: 'free.tsa-1', number: 3, expiresAt: Date.UTC(2036, 10, 22, 10, 11, 12) };

describe('places of stamps', () => {
  it('say what a renewal has to know', () => {
    expect(stampPath(place)).toBe('stamps/42/free.tsa-1-3-until-20361122T101112Z.tsr');
    expect(parseStampPath(stampPath(place))).toEqual(place);
    for (const path of ['stamps/42/checkpoint', 'stamps/042/a-0-until-20361122T101112Z.tsr', '../stamps/1/a-0-until-20361122T101112Z.tsr'])
      expect(parseStampPath(path)).toBeNull();
  });
});

describe('stores of stamps', () => {
  let directory: string;
  beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'affiant-stamps-'))));
  afterAll(() => rm(directory, { recursive: true }));

  it.each<[string, () => StampStore]>([
    ['files', () => new FileStampStore(join(directory, 'tiles'))],
    ['memory', () => new MemoryStampStore()],
  ])('%s keep the first bytes of a path and list what is there', async (_, open) => {
    const store = open();
    expect(await store.list()).toEqual([]);
    expect(await store.put(stampPath(place), Buffer.from('a'))).toEqual(Buffer.from('a'));
    expect(await store.put(stampPath(place), Buffer.from('b'))).toEqual(Buffer.from('a'));
    await store.put('stamps/42/checkpoint', Buffer.from('note'));
    expect((await store.list()).sort()).toEqual(['stamps/42/checkpoint', stampPath(place)]);
    expect(await store.get('stamps/43/checkpoint')).toBeNull();
    await expect(store.put('tile/0/000', Buffer.from('x'))).rejects.toMatchObject({ code: 'usage_invalid' });
    await expect(store.get('stamps/../checkpoint.json')).rejects.toMatchObject({ code: 'usage_invalid' });
  });

  it('files pass over what is no stamp', async () => {
    await writeFile(join(directory, 'tiles/stamps/42/note.txt'), 'x');
    expect(await new FileStampStore(join(directory, 'tiles')).list()).toHaveLength(2);
  });
});
