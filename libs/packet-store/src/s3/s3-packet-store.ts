import { createHash } from 'node:crypto';
import { AffiantError } from '#errors';
import type { ObjectStore } from '#object-store';
import { checkPacketName } from '../packet-name.js';
import type { PacketStore } from '../port.js';

const FOLDER = 'packets';

/** Packets as objects below `packets/`, each under object lock from the moment it is there. */
export class S3PacketStore implements PacketStore {
  constructor(private readonly objects: ObjectStore) {}

  async put(name: string, bytes: Buffer): Promise<{ readonly path: string; readonly sha256: string }> {
    const key = keyOf(name);
    // A crash before the answer leaves no object or the whole object; the next run puts the same bytes again.
    if ((await this.objects.putOnce(key, bytes, { retain: true })) === 'other') {
      throw new AffiantError('conflict', `a packet named ${name} with other bytes exists`, { where: this.objects.url(key) });
    }
    return { path: this.objects.url(key), sha256: createHash('sha256').update(bytes).digest('hex') };
  }

  async open(name: string): Promise<Buffer> {
    const bytes = await this.objects.readOnce(keyOf(name));
    if (bytes === null) throw new AffiantError('not_found', `there is no packet ${name}`);
    return bytes;
  }

  async list(): Promise<string[]> {
    const keys = await this.objects.list(FOLDER);
    return keys.map((key) => key.slice(FOLDER.length + 1)).filter((name) => name.endsWith('.pdf'));
  }
}

const keyOf = (name: string): string => `${FOLDER}/${checkPacketName(name)}`;
