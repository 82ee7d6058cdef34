import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { makeDirectoryDurably, readFileIfPresent, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import type { CheckpointStore, SealedState } from './port.js';

const count = z.int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

const SEALED_STATE = z.strictObject({
  round: count,
  tree_size: count,
  root_hash: hash,
  note: z.string(),
  frontiers: z.record(z.string(), count),
  heads: z.record(z.string(), hash),
  offsets: z.record(z.string(), count),
  sealed_at: count,
  open: z
    .strictObject({
      round: count,
      base_size: count,
      new_size: count,
      new_root: hash,
      ranges: z.array(z.strictObject({ partition: z.string(), from: count, to: count })),
      sealed_at: count,
    })
    .nullable(),
});

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
    try {
      return SEALED_STATE.parse(JSON.parse(bytes.toString('utf8')));
    } catch (cause) {
      throw new AffiantError('ledger_conflict', 'the sealed state is damaged', { where: this.path, cause });
    }
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
