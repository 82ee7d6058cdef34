import { crc32 } from 'node:zlib';
import { AffiantError } from '#errors';

/**
 * Segment file: a header, then frames. All integers are big-endian.
 *
 *   header  0 magic "AFFIJRNL"   8 version u16   10 header bytes u16   12 crc32 of the header (this field as zero)
 *          16 base seq u64      24 boot epoch u64   32 salt (32)   64 SHA-256 of record base-1 (32)   96 source id: length u8, UTF-8
 *   frame   0 magic "AFRM"       4 crc32 of bytes 8..32   8 body bytes u32   12 crc32 of the body
 *          16 first seq u64     24 records u32   28 frame number in the segment u32   32 body = ciphertext || GCM tag (16)
 *
 * The frame header has a CRC of its own: else a flipped bit in the length of an old frame would look like a torn tail and cut what follows.
 * Behind the last frame there may be zeros up to the end of the file.
 * A frame of no records is the seal that a clean close leaves: behind it nothing can be torn, so any damage before it is damage.
 */
export const SEGMENT_HEADER_BYTES = 192;
export const FRAME_HEADER_BYTES = 32;
export const TAG_BYTES = 16;

/** What stands behind the last frame of a segment that is being written: room for more, or nothing. */
export const ZEROS = Buffer.alloc(256 * 1024);

const SEGMENT_MAGIC = Buffer.from('AFFIJRNL', 'latin1');
const FRAME_MAGIC = Buffer.from('AFRM', 'latin1');
const VERSION = 1;
/** No batch comes near; a larger length that passes its CRC is still not followed into memory. */
const MAX_BODY_BYTES = 1 << 30;
const SOURCE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const SEGMENT_NAME = /^(\d{16})\.seg$/;

export interface SegmentHeader {
  readonly sourceId: string;
  readonly baseSeq: number;
  readonly bootEpoch: number;
  readonly salt: Buffer;
  /** SHA-256 of record baseSeq-1, zeros when baseSeq is 1: the chain goes on though older segments are gone. */
  readonly previousHash: Buffer;
}

export interface FrameHeader {
  readonly bodyBytes: number;
  readonly bodyCrc: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly number: number;
}

/** @throws AffiantError usage_invalid: the id names a directory, so it must be a plain file name. */
export function checkSourceId(sourceId: string): void {
  if (!SOURCE_ID.test(sourceId)) {
    throw new AffiantError(
      'usage_invalid',
      `a source id is 1 to 64 letters, digits, dots, dashes or underscores, not ${JSON.stringify(sourceId)}`,
    );
  }
}

export const segmentName = (baseSeq: number): string => `${String(baseSeq).padStart(16, '0')}.seg`;

/** Base seq of a segment file name, or null for any other name. */
export function baseSeqOf(name: string): number | null {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? null : Number(match[1]);
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  SEGMENT_MAGIC.copy(bytes, 0);
  bytes.writeUInt16BE(VERSION, 8);
  bytes.writeUInt16BE(SEGMENT_HEADER_BYTES, 10);
  bytes.writeBigUInt64BE(BigInt(header.baseSeq), 16);
  bytes.writeBigUInt64BE(BigInt(header.bootEpoch), 24);
  header.salt.copy(bytes, 32);
  header.previousHash.copy(bytes, 64);
  bytes.writeUInt8(Buffer.byteLength(header.sourceId), 96);
  bytes.write(header.sourceId, 97, 'utf8');
  bytes.writeUInt32BE(crc32(bytes), 12);
  return bytes;
}

/** Null when the bytes are not a whole, undamaged header of a version we know. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | null {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(SEGMENT_MAGIC)) return null;
  if (bytes.readUInt16BE(8) !== VERSION || bytes.readUInt16BE(10) !== SEGMENT_HEADER_BYTES) return null;
  const zeroed = Buffer.from(bytes.subarray(0, SEGMENT_HEADER_BYTES));
  zeroed.writeUInt32BE(0, 12);
  if (crc32(zeroed) !== bytes.readUInt32BE(12)) return null;
  return {
    baseSeq: Number(bytes.readBigUInt64BE(16)),
    bootEpoch: Number(bytes.readBigUInt64BE(24)),
    salt: Buffer.from(bytes.subarray(32, 64)),
    previousHash: Buffer.from(bytes.subarray(64, 96)),
    sourceId: bytes.toString('utf8', 97, 97 + bytes.readUInt8(96)),
  };
}

/** Everything but the two CRCs; finish with `finishFrameHeader` once the body is there. Bytes 16..32 are the GCM's additional data. */
export function startFrameHeader(frame: Omit<FrameHeader, 'bodyCrc'>): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  FRAME_MAGIC.copy(bytes, 0);
  bytes.writeUInt32BE(frame.bodyBytes, 8);
  bytes.writeBigUInt64BE(BigInt(frame.firstSeq), 16);
  bytes.writeUInt32BE(frame.count, 24);
  bytes.writeUInt32BE(frame.number, 28);
  return bytes;
}

export function finishFrameHeader(header: Buffer, bodyCrc: number): void {
  header.writeUInt32BE(bodyCrc, 12);
  header.writeUInt32BE(crc32(header.subarray(8)), 4);
}

/** Null when the bytes at `at` are not an undamaged frame header. */
export function decodeFrameHeader(bytes: Buffer, at: number): FrameHeader | null {
  if (bytes.length - at < FRAME_HEADER_BYTES || bytes.compare(FRAME_MAGIC, 0, 4, at, at + 4) !== 0) return null;
  if (crc32(bytes.subarray(at + 8, at + FRAME_HEADER_BYTES)) !== bytes.readUInt32BE(at + 4)) return null;
  const bodyBytes = bytes.readUInt32BE(at + 8);
  const firstSeq = bytes.readBigUInt64BE(at + 16);
  if (bodyBytes < TAG_BYTES || bodyBytes > MAX_BODY_BYTES || firstSeq > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return {
    bodyBytes,
    bodyCrc: bytes.readUInt32BE(at + 12),
    firstSeq: Number(firstSeq),
    count: bytes.readUInt32BE(at + 24),
    number: bytes.readUInt32BE(at + 28),
  };
}

/** Offset of the next undamaged frame header in `bytes` from `at` on, or -1. */
export function findFrameHeader(bytes: Buffer, at: number): number {
  for (let found = bytes.indexOf(FRAME_MAGIC, at); found >= 0; found = bytes.indexOf(FRAME_MAGIC, found + 1)) {
    if (decodeFrameHeader(bytes, found) !== null) return found;
  }
  return -1;
}
