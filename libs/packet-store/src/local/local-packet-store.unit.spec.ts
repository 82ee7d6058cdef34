import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalPacketStore } from './local-packet-store.js';

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'affiant-packets-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('LocalPacketStore', () => {
  it('gives back what was put, and takes the same bytes twice', async () => {
    const store = new LocalPacketStore(join(directory, 'packets'));
    const first = await store.put('a.pdf', Buffer.from('one'));
    expect(await store.put('a.pdf', Buffer.from('one'))).toEqual(first);
    expect(await store.open('a.pdf')).toEqual(Buffer.from('one'));
    expect(await store.list()).toEqual(['a.pdf']);
  });

  it('never writes other bytes over a name', async () => {
    const store = new LocalPacketStore(directory);
    await store.put('a.pdf', Buffer.from('one'));
    await expect(store.put('a.pdf', Buffer.from('two'))).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.open('a.pdf')).toEqual(Buffer.from('one'));
  });

  it.each(['../a.pdf', '/etc/passwd', '', '.hidden', 'a/b.pdf'])('does not leave its directory: %j', async (name) => {
    const store = new LocalPacketStore(directory);
    await expect(store.open(name)).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.put(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'not_found' });
  });
});
