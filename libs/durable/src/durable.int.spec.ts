import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent, removeFileDurably, writeFileDurably } from './durable.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'durable-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('durable files', () => {
  it('replaces a file whole, private, without leaving a temporary file', async () => {
    const path = join(directory, 'state.json');
    await writeFileDurably(path, 'one');
    await writeFileDurably(path, Buffer.from('two'));
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(directory)).toEqual(['state.json']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('keeps the old file and no temporary one when the new one cannot take its place', async () => {
    const path = join(directory, 'taken');
    await makeDirectoryDurably(join(path, 'full'));
    await expect(writeFileDurably(path, 'x')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(await readdir(directory)).toEqual(['taken']);
  });

  it('creates once: exactly one of many racing creators wins', async () => {
    const path = join(directory, 'tile');
    const won = await Promise.all(Array.from({ length: 20 }, (_, index) => createFileDurably(path, `writer ${index}`)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path, 'utf8')).toBe(`writer ${won.indexOf(true)}`);
    expect(await readdir(directory)).toEqual(['tile']);
  });

  it('makes nested directories, again without complaint, and refuses to pass through a file', async () => {
    await makeDirectoryDurably(join(directory, 'a/b/c'));
    await makeDirectoryDurably(join(directory, 'a/b/c'));
    expect((await stat(join(directory, 'a/b/c'))).isDirectory()).toBe(true);
    await writeFile(join(directory, 'file'), '');
    await expect(makeDirectoryDurably(join(directory, 'file'))).rejects.toThrow(/not a directory/);
  });

  it('reads what is there, null for what is not, and deletes twice', async () => {
    const path = join(directory, 'x');
    await writeFileDurably(path, 'x');
    expect((await readFileIfPresent(path))?.toString()).toBe('x');
    await removeFileDurably(path);
    await removeFileDurably(path);
    expect(await readFileIfPresent(path)).toBeNull();
  });
});
