import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileDurably, makeDirectoryDurably } from '#durable';
import { AffiantError } from '#errors';
import { checkPacketName } from '../packet-name.js';
import type { PacketStore } from '../port.js';

/** Packets as read-only files of one directory. */
export class LocalPacketStore implements PacketStore {
  constructor(readonly directory: string) {}

  async put(name: string, bytes: Buffer): Promise<{ readonly path: string; readonly sha256: string }> {
    const path = this.#path(name);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await makeDirectoryDurably(this.directory);
    // A crash before this resolves leaves no file of that name: the file is complete and synced before it gets its name.
    const created = await createFileDurably(path, bytes, { mode: 0o444 });
    if (!created && !(await readFile(path)).equals(bytes)) {
      throw new AffiantError('conflict', `a packet named ${name} with other bytes exists`, { where: path });
    }
    return { path, sha256 };
  }

  async open(name: string): Promise<Buffer> {
    try {
      return await readFile(this.#path(name));
    } catch (cause) {
      throw new AffiantError('not_found', `there is no packet ${name}`, { cause });
    }
  }

  async list(): Promise<string[]> {
    try {
      return (await readdir(this.directory)).filter((name) => name.endsWith('.pdf')).sort();
    } catch {
      return [];
    }
  }

  #path(name: string): string {
    return join(this.directory, checkPacketName(name));
  }
}
