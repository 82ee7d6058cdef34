import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { makeDirectoryDurably, readFileIfPresent, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import type { CheckpointStore, SealedState } from './port.js';
import { parseSealedState } from './sealed-state.js';

/**
 * The sealed state as one JSON file. Compare-and-swap holds within one process: the state directory's lock keeps other processes out.
 * The file is replaced atomically: a crash leaves the old state or the new one.
 */
export class FileCheckpointStore implements CheckpointStore {
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly path: string) {}

  async fetch(): Promise<SealedState | null> {
    const bytes = await readFileIfPresent(this.path);
    if (bytes === null) return null;
    return parseSealedState(bytes.toString('utf8'), this.path);
  }

  replace(old: SealedState | null, wanted: SealedState): Promise<void> {
    const swap = this.#turn.then(async () => {
      if (!isDeepStrictEqual(await this.fetch(), old)) {
        throw new AffiantError('ledger_conflict', 'the sealed state was changed by someone else', { where: this.path });
      }
      await makeDirectoryDurably(dirname(this.path));
      await writeFileDurably(this.path, `${JSON.stringify(wanted)}\n`);
    });
    this.#turn = swap.catch(() => undefined);
    return swap;
  }
}
