import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { finishFrameHeader, startFrameHeader, TAG_BYTES, type FrameHeader, type SegmentHeader } from './format.js';
import type { NewRecord, StoredRecord } from './port.js';

/** Per record in the plaintext: topic u8, payload length u32, payload. */
export const RECORD_HEADER_BYTES = 5;
/** Above this a frame is made in slices, with a turn of the event loop between them. */
const SLICE_BYTES = 256 * 1024;
/** Parts of records from this size on are encrypted from where they are; a cipher takes 2 µs for each call, a copy of so much takes longer. */
const DIRECT_BYTES = 16 * 1024;

/**
 * AES-256-GCM key of one segment (HKDF-SHA-256, RFC 5869). Every segment has a random salt and only one writer in its life, so the frame
 * number alone is a nonce that never repeats under a key (NIST SP 800-38D §8.2.1).
 */
export function segmentKey(key: Buffer, header: SegmentHeader): Buffer {
  return Buffer.from(hkdfSync('sha256', key, header.salt, `affiant journal segment v1 ${header.sourceId} ${header.baseSeq}`, 32));
}

export interface FrameContent {
  readonly firstSeq: number;
  readonly number: number;
  readonly records: readonly NewRecord[];
  /** Plaintext bytes of `records`. */
  readonly bytes: number;
}

/** Bytes of the payload of a record. */
export function payloadBytes(record: NewRecord): number {
  if (!('parts' in record)) return record.payload.length;
  let bytes = 0;
  for (const part of record.parts) bytes += part.length;
  return bytes;
}

/** Makes the frames of one segment, one at a time. Small plaintext is gathered in one buffer of its own, which every frame uses again. */
export class FrameSealer {
  readonly #staging = Buffer.allocUnsafeSlow(SLICE_BYTES);

  constructor(private readonly key: Buffer) {}

  /** Buffers of one frame, in file order. Frames above 256 KB are sealed slice by slice: some 0.2 ms of the event loop at a time. */
  async seal({ firstSeq, number, records, bytes }: FrameContent): Promise<Buffer[]> {
    const header = startFrameHeader({ bodyBytes: bytes + TAG_BYTES, firstSeq, count: records.length, number });
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce(number)).setAAD(header.subarray(16));
    const parts: Buffer[] = [header];
    let crc = 0;
    let sinceTurn = 0;
    for (const slice of this.#slices(records)) {
      if (sinceTurn > 0 && sinceTurn + slice.length > SLICE_BYTES) {
        await nextTurn();
        sinceTurn = 0;
      }
      sinceTurn += slice.length;
      const text = cipher.update(slice);
      crc = crc32(text, crc);
      parts.push(text);
    }
    cipher.final();
    const tag = cipher.getAuthTag();
    parts.push(tag);
    finishFrameHeader(header, crc32(tag, crc));
    return parts;
  }

  /** The plaintext of `records` in pieces of at most SLICE_BYTES; each is valid until the next is asked for. */
  *#slices(records: readonly NewRecord[]): Generator<Buffer> {
    const staging = this.#staging;
    let filled = 0;
    for (const record of records) {
      if (filled + RECORD_HEADER_BYTES > SLICE_BYTES) {
        yield staging.subarray(0, filled);
        filled = 0;
      }
      filled = writeRecordHeader(staging, filled, record);
      for (const part of 'parts' in record ? record.parts : [record.payload]) {
        if (part.length >= DIRECT_BYTES) {
          if (filled > 0) yield staging.subarray(0, filled);
          filled = 0;
          for (let from = 0; from < part.length; from += SLICE_BYTES) yield part.subarray(from, from + SLICE_BYTES);
          continue;
        }
        if (filled + part.length > SLICE_BYTES) {
          yield staging.subarray(0, filled);
          filled = 0;
        }
        filled += part.copy(staging, filled);
      }
    }
    if (filled > 0) yield staging.subarray(0, filled);
  }
}

/** Records of a frame whose CRC was right; payloads are views of one buffer. Null when it does not authenticate or does not parse. */
export function openFrame(key: Buffer, header: FrameHeader, headerBytes: Buffer, body: Buffer): StoredRecord[] | null {
  const end = body.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(header.number)).setAAD(headerBytes.subarray(16, 32));
  decipher.setAuthTag(body.subarray(end));
  let plain: Buffer;
  try {
    plain = decipher.update(body.subarray(0, end));
    decipher.final();
  } catch {
    return null;
  }
  const records: StoredRecord[] = [];
  let at = 0;
  for (let index = 0; index < header.count; index += 1) {
    if (at + RECORD_HEADER_BYTES > plain.length) return null;
    const length = plain.readUInt32BE(at + 1);
    const from = at + RECORD_HEADER_BYTES;
    if (from + length > plain.length) return null;
    records.push({ seq: header.firstSeq + index, topic: plain.readUInt8(at), payload: plain.subarray(from, from + length) });
    at = from + length;
  }
  return at === plain.length ? records : null;
}

function writeRecordHeader(into: Buffer, at: number, record: NewRecord): number {
  into.writeUInt8(record.topic, at);
  into.writeUInt32BE(payloadBytes(record), at + 1);
  return at + RECORD_HEADER_BYTES;
}

function nonce(frameNumber: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(frameNumber, 8);
  return bytes;
}
