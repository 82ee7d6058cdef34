import type { FindFile } from '#catalogue';
import { isAffiantError } from '#errors';
import type { PacketStore } from '#packet-store';
import { packetFileName } from './packet-desk.js';

/** Finds the file of a finished packet for the rebuild of the catalogue, by its name. @throws AffiantError object_store_failed */
export function findPacketFile(store: PacketStore): FindFile {
  return async (packet) => {
    const name = packetFileName(packet);
    try {
      const bytes = await store.open(name);
      // The same bytes again change nothing, and the answer says where they are.
      return { path: (await store.put(name, bytes)).path, bytes: bytes.length };
    } catch (error) {
      if (isAffiantError(error) && error.code === 'not_found') return null;
      throw error;
    }
  };
}
