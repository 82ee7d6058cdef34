import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packetStoreContract } from '../contract/packet-store.contract.js';
import { LocalPacketStore } from './local-packet-store.js';

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'affiant-packets-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

packetStoreContract('LocalPacketStore', async () => {
  const open = (): LocalPacketStore => new LocalPacketStore(join(directory, 'packets'));
  return { store: open(), again: open };
});

it('leaves files nobody may write', async () => {
  const { path } = await new LocalPacketStore(directory).put('a.pdf', Buffer.from('one'));
  expect((await stat(path)).mode & 0o777).toBe(0o444);
});
