import { join } from 'node:path';
import { z } from 'zod';
import { AffiantError, toAffiantError } from '#errors';
import { makeDirectoryDurably, readFileIfPresent, writeFileDurably } from '#durable';
import type { Committed } from './port.js';

const OFFSETS = z.strictObject({
  version: z.literal(1),
  partitions: z.record(z.string(), z.strictObject({ offset: z.int().nonnegative(), metadata: z.string().nullable() })),
});

const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Committed offsets of one group, in one small file that is replaced as a whole. One process commits for a group. */
export class GroupOffsets {
  readonly #path: string;
  readonly #wanted: Map<string, Committed>;
  #durable: ReadonlyMap<string, Committed>;
  /** The write under way, and the one that will carry what is committed meanwhile. */
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  private constructor(path: string, offsets: ReadonlyMap<string, Committed>) {
    this.#path = path;
    this.#wanted = new Map(offsets);
    this.#durable = offsets;
  }

  static async open(directory: string, group: string): Promise<GroupOffsets> {
    await makeDirectoryDurably(directory);
    return new GroupOffsets(pathOf(directory, group), await readOffsets(directory, group));
  }

  /** What is on stable storage. */
  get committed(): ReadonlyMap<string, Committed> {
    return this.#durable;
  }

  /** Durable when it resolves. A crash before leaves the offset that was there: the records are read again. */
  commit(partition: string, offset: number, metadata: string | null): Promise<void> {
    this.#wanted.set(partition, { offset, metadata });
    this.#next ??= this.#writing.then(() => this.#write());
    this.#writing = this.#next.catch(() => undefined);
    return this.#next;
  }

  async #write(): Promise<void> {
    this.#next = null;
    const offsets = new Map(this.#wanted);
    const text = JSON.stringify({ version: 1, partitions: Object.fromEntries(offsets) });
    try {
      await writeFileDurably(this.#path, `${text}\n`);
    } catch (cause) {
      throw toAffiantError(cause, 'event_log_failed', 'the offsets of a group could not be written');
    }
    this.#durable = offsets;
  }
}

/** Offsets as they are on disk. @throws AffiantError event_log_failed when the file is not what we write. */
export async function readOffsets(directory: string, group: string): Promise<ReadonlyMap<string, Committed>> {
  const path = pathOf(directory, group);
  const bytes = await readFileIfPresent(path);
  if (bytes === null) return new Map();
  try {
    return new Map(Object.entries(OFFSETS.parse(JSON.parse(bytes.toString('utf8'))).partitions));
  } catch (cause) {
    throw new AffiantError('event_log_failed', 'the offsets of a group cannot be read', { where: path, cause });
  }
}

function pathOf(directory: string, group: string): string {
  if (!GROUP_NAME.test(group))
    throw new AffiantError('usage_invalid', `a group is named by letters, digits, dots, dashes, not ${JSON.stringify(group)}`);
  return join(directory, `${group}.json`);
}
