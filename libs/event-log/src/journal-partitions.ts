import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalReader, type Watermarks } from '#journal';

export interface JournalPartitionsOptions {
  /** Holds one directory per source. */
  readonly journalDirectory: string;
  readonly key: Buffer;
  /** Of the sources that this process writes, in whatever thread. Others are read to the end of their valid frames. */
  readonly watermarks?: Watermarks;
}

const SOURCE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The sources under a journal directory, as partitions. */
export class JournalPartitions {
  constructor(private readonly options: JournalPartitionsOptions) {}

  /** Ids of the sources that have a journal or a watermark, sorted. */
  async list(): Promise<string[]> {
    const entries = await readdir(this.options.journalDirectory, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return [];
      throw cause;
    });
    const names = entries.filter((entry) => entry.isDirectory() && SOURCE_ID.test(entry.name)).map((entry) => entry.name);
    return [...new Set([...names, ...(this.options.watermarks?.keys() ?? [])])].sort();
  }

  reader(sourceId: string): JournalReader {
    const { journalDirectory, key, watermarks } = this.options;
    const watermark = watermarks?.get(sourceId);
    return new JournalReader({
      directory: join(journalDirectory, sourceId),
      sourceId,
      key,
      ...(watermark === undefined ? {} : { watermark }),
    });
  }
}
