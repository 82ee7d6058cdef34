import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AffiantError } from '#errors';
import { payloadHash } from '#events';
import { baseSeqOf, decodeSegmentHeader, findFrameHeader, SEGMENT_HEADER_BYTES, segmentName, type SegmentHeader } from './format.js';
import { openFrame, segmentKey } from './frame.js';
import type { StoredRecord } from './port.js';
import { endOfBytes, SegmentCursor, type Frame, type NoFrame } from './segment-cursor.js';

/** What is known of a segment file that holds only whole, authentic frames. */
export interface Segment {
  readonly path: string;
  readonly baseSeq: number;
  /** baseSeq-1 when it holds no record. */
  readonly lastSeq: number;
  readonly bytes: number;
}

export interface VerifiedSegments {
  readonly segments: readonly Segment[];
  readonly nextSeq: number;
  /** SHA-256 of record nextSeq-1. */
  readonly lastHash: Buffer;
  /** Bytes cut off the last segment: a batch whose write was interrupted, so nobody was told that it is durable. */
  readonly tornBytes: number;
  /** Highest boot epoch in the headers, 0 when there is no segment. */
  readonly lastEpoch: number;
}

export interface VerifyOptions {
  readonly directory: string;
  readonly sourceId: string;
  readonly key: Buffer;
  /** Gets every retained record in order; payloads are views that stay valid. */
  readonly onRecord?: (record: StoredRecord) => void;
}

/** Base seqs of the segment files, ascending. Temporary files of a creation that a crash cut short are left alone here. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw cause;
  });
  return names
    .map(baseSeqOf)
    .filter((base): base is number => base !== null)
    .sort((a, b) => a - b);
}

/** What `createFileDurably` leaves when it is killed; only the lock's holder may call it. */
export async function removeStrayFiles(directory: string): Promise<void> {
  const names = await readdir(directory);
  await Promise.all(names.filter((name) => name.startsWith('.tmp-')).map((name) => rm(join(directory, name), { force: true })));
}

/**
 * Reads every frame of every segment, cuts a torn tail off the last one and makes what is left durable.
 * Only the end of the last segment may be torn: the writer starts a frame when the one before it is durable.
 * @throws AffiantError journal_corrupt with file and offset; then nothing was changed.
 */
export async function verifySegments(options: VerifyOptions): Promise<VerifiedSegments> {
  const bases = await listSegments(options.directory);
  const segments: Segment[] = [];
  let nextSeq = bases[0] ?? 1;
  let lastHash: Buffer = Buffer.alloc(32);
  let tornBytes = 0;
  let lastEpoch = 0;
  for (const [index, baseSeq] of bases.entries()) {
    const path = join(options.directory, segmentName(baseSeq));
    if (baseSeq !== nextSeq) throw corrupt(path, 0, `the segment should begin at seq ${nextSeq}`);
    const file = await open(path, 'r+');
    try {
      const header = await readSegmentHeader(file, path, options.sourceId, baseSeq);
      if (index > 0 && !header.previousHash.equals(lastHash)) throw corrupt(path, 64, 'the segment does not follow the one before it');
      const walked = await walk(file, path, header, options, index === bases.length - 1);
      const { size } = await file.stat();
      if (index === bases.length - 1) {
        tornBytes = (await endOfBytes(file, walked.end)) - walked.end;
        // A crash between these two leaves the torn tail, or a file without it: both open the same way again.
        if (size > walked.end) await file.truncate(walked.end);
        // Also when nothing is torn: a killed writer's last frame may be whole but only in the page cache.
        await file.sync();
      }
      lastHash = walked.lastHash;
      lastEpoch = Math.max(lastEpoch, header.bootEpoch);
      nextSeq = walked.nextSeq;
      segments.push({ path, baseSeq, lastSeq: nextSeq - 1, bytes: walked.end });
    } finally {
      await file.close();
    }
  }
  return { segments, nextSeq, lastHash, tornBytes, lastEpoch };
}

/** @throws AffiantError journal_corrupt */
export async function readSegmentHeader(file: FileHandle, path: string, sourceId: string, baseSeq: number): Promise<SegmentHeader> {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const { bytesRead } = await file.read(bytes, 0, SEGMENT_HEADER_BYTES, 0);
  const header = decodeSegmentHeader(bytes.subarray(0, bytesRead));
  if (header === null) throw corrupt(path, 0, 'the segment header is damaged');
  if (header.sourceId !== sourceId) throw corrupt(path, 97, `the segment belongs to source ${header.sourceId}`);
  if (header.baseSeq !== baseSeq) throw corrupt(path, 16, `the segment begins at seq ${header.baseSeq}, unlike its name`);
  return header;
}

interface Walked {
  readonly nextSeq: number;
  readonly lastHash: Buffer;
  readonly end: number;
}

async function walk(file: FileHandle, path: string, header: SegmentHeader, options: VerifyOptions, isLast: boolean): Promise<Walked> {
  const key = segmentKey(options.key, header);
  const cursor = new SegmentCursor(file, SEGMENT_HEADER_BYTES);
  let nextSeq = header.baseSeq;
  let lastRecord: StoredRecord | null = null;
  let sealed = false;
  for (let number = 0; ; number += 1) {
    const frame = await cursor.next();
    if (frame.kind !== 'frame') {
      const mayBeTorn = frame.kind === 'end' || (isLast && !sealed);
      if (!mayBeTorn || !(await isTornTail(file, frame))) throw corrupt(path, frame.offset, 'a frame is damaged before the tail');
      return { nextSeq, lastHash: lastRecord === null ? header.previousHash : payloadHash(lastRecord.payload), end: frame.offset };
    }
    if (sealed) throw corrupt(path, frame.offset, 'there is a frame behind the seal');
    if (frame.header.firstSeq !== nextSeq || frame.header.number !== number) throw corrupt(path, frame.offset, 'the frame is out of order');
    sealed = frame.header.count === 0;
    const records = openRecords(key, frame, path);
    for (const record of records) options.onRecord?.(record);
    lastRecord = records.at(-1) ?? lastRecord;
    nextSeq += records.length;
  }
}

function openRecords(key: Buffer, frame: Frame, path: string): StoredRecord[] {
  const records = openFrame(key, frame.header, frame.headerBytes, frame.body);
  if (records === null) throw corrupt(path, frame.offset, 'the frame does not authenticate: altered, or written with another key');
  return records;
}

/**
 * Tells a torn tail from damage. Torn is what an interrupted write of the very last frame can leave: nothing whole comes after it, and the
 * frame, as far as its length is known, reaches the end of the file, or the zeros that stand there for frames to come.
 */
export async function isTornTail(file: FileHandle, at: NoFrame): Promise<boolean> {
  if (at.kind === 'end') return true;
  const end = await endOfBytes(file, at.offset);
  if (at.frameEnd !== null && at.frameEnd < end) return false;
  const tail = Buffer.alloc(end - at.offset);
  await file.read(tail, 0, tail.length, at.offset);
  return findFrameHeader(tail, 1) < 0;
}

export function corrupt(path: string, offset: number, message: string): AffiantError {
  return new AffiantError('journal_corrupt', message, { where: `${path} at byte ${offset}` });
}
