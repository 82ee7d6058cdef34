import { AffiantError, toAffiantError } from '#errors';
import { lockDirectory, makeDirectoryDurably } from '#durable';
import { raiseBootEpoch } from './boot-epoch.js';
import { FileJournal } from './file-journal.js';
import { checkSourceId } from './format.js';
import type { StoredRecord } from './port.js';
import { localSegmentFiles, type SegmentFiles } from './segment-files.js';
import { SegmentWriter } from './segment-writer.js';
import { removeStrayFiles, verifySegments } from './verify-segments.js';
import { addWatermark, type Watermarks } from './watermarks.js';

export interface JournalOptions {
  /** The source's own directory, made when missing. */
  readonly directory: string;
  /** 1 to 64 letters, digits, dots, dashes, underscores. */
  readonly sourceId: string;
  /** 32 bytes; every segment is encrypted with a key derived from it. */
  readonly key: Buffer;
  /** A new segment is begun above this; at most a quarter of `highWaterBytes`, so that acknowledged segments can be dropped in time. */
  readonly segmentBytes: number;
  /** Appends are refused when the files and the queue would hold more. */
  readonly highWaterBytes: number;
  /** Where the durable seq is published for readers in this process, other threads included. */
  readonly watermarks?: Watermarks;
  /** Sees every retained record in order, while the journal is opened. */
  readonly onRecord?: (record: StoredRecord) => void;
  /** Port to the disk; tests put failing ones here. */
  readonly files?: SegmentFiles;
}

export interface OpenedJournal {
  readonly journal: FileJournal;
  /** Bytes of an interrupted batch that were cut off the end; 0 after a clean close. */
  readonly tornBytes: number;
  /** Boot epoch of the life before this one, 0 when there was none. */
  readonly lastEpoch: number;
}

/**
 * Opens a source's journal for writing: takes the lock, verifies every retained frame, cuts a torn tail, raises the boot epoch and begins a
 * new segment. Each life has its own segment: a frame number cut off with a torn tail is so never encrypted twice under one key.
 * @throws AffiantError journal_locked; journal_corrupt when anything before the tail is damaged (nothing is changed then); journal_failed.
 */
export async function openJournal(options: JournalOptions): Promise<OpenedJournal> {
  checkSourceId(options.sourceId);
  if (options.key.length !== 32) throw new AffiantError('key_invalid', 'the journal key has 32 bytes');
  try {
    await makeDirectoryDurably(options.directory);
    const lock = await lockDirectory(options.directory, 'journal');
    if (lock === null) throw new AffiantError('journal_locked', 'another writer holds the journal', { where: options.directory });
    try {
      return await openLocked(options, lock);
    } catch (cause) {
      await lock.release();
      throw cause;
    }
  } catch (cause) {
    throw toAffiantError(cause, 'journal_failed', `the journal of ${options.sourceId} could not be opened`);
  }
}

async function openLocked(options: JournalOptions, lock: { release(): Promise<void> }): Promise<OpenedJournal> {
  const { directory, sourceId, key, highWaterBytes, files = localSegmentFiles, watermarks = new Map() } = options;
  await removeStrayFiles(directory);
  const found = await verifySegments(options);
  const { epoch: bootEpoch, previous: lastEpoch } = await raiseBootEpoch(directory, found.lastEpoch);
  const newest = found.segments.at(-1);
  const replaces = newest !== undefined && newest.baseSeq === found.nextSeq;
  const start = { directory, sourceId, bootEpoch, baseSeq: found.nextSeq, previousHash: found.lastHash };
  const active = await SegmentWriter.create(files, key, start, replaces);
  const journal = new FileJournal({
    ...start,
    key,
    segmentBytes: Math.min(options.segmentBytes, Math.floor(highWaterBytes / 4)),
    highWaterBytes,
    files,
    lock,
    watermark: addWatermark(watermarks, sourceId),
    older: replaces ? found.segments.slice(0, -1) : found.segments,
    active,
    nextSeq: found.nextSeq,
    lastHash: found.lastHash,
  });
  return { journal, tornBytes: found.tornBytes, lastEpoch };
}
