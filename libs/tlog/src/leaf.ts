import { AffiantError } from '#errors';

/**
 * Leaf of the tree: a commitment to one event, never its content. Fixed layout, 187 bytes, integers big endian:
 *
 * | offset | bytes | field                                                              |
 * | ------ | ----- | ------------------------------------------------------------------ |
 * | 0      | 1     | version, 1                                                         |
 * | 1      | 1     | type: index in LEAF_TYPES plus 1                                   |
 * | 2      | 8     | boot epoch                                                         |
 * | 10     | 8     | seq                                                                |
 * | 18     | 8     | occurred_at, microseconds since the Unix epoch; 0 for undecodable  |
 * | 26     | 32    | SHA-256 of the schema's JSON text; zeros for undecodable           |
 * | 58     | 32    | SHA-256 of the exact framed event bytes                            |
 * | 90     | 32    | SHA-256 of the source's previous event; zeros when there is none   |
 * | 122    | 1     | length of source_id, 1 to 64                                       |
 * | 123    | 64    | source_id, UTF-8, zero-padded                                      |
 *
 * The payload hash needs no salt: every payload carries a UUIDv7 with 74 random bits.
 */
export interface Leaf {
  readonly type: LeafType;
  readonly boot_epoch: number;
  readonly seq: number;
  readonly occurred_at: number;
  readonly schema_sha256: Buffer;
  readonly payload_hash: Buffer;
  readonly prev_hash: Buffer;
  readonly source_id: string;
}

/** Append only: the index is part of the leaf format. From `frontier` on: control events whose kind has a type of its own (control-leaf.ts). */
export const LEAF_TYPES = [
  'request',
  'segment',
  'decision',
  'response',
  'control',
  'dead_letter',
  'undecodable',
  'frontier',
  'gap',
  'schema',
  'key',
  'erasure',
  'hold',
  'epoch',
  'aborted',
] as const;

export type LeafType = (typeof LEAF_TYPES)[number];

export const LEAF_BYTES = 187;

const VERSION = 1;
const SOURCE_AT = 122;
const SOURCE_BYTES = 64;
const KNOWN_SOURCES = 1024;

const sourceFields = new Map<string, Buffer>();

/** @throws AffiantError event_invalid when a field does not fit the layout. */
export function encodeLeaf(leaf: Leaf): Buffer {
  const bytes = Buffer.allocUnsafe(LEAF_BYTES);
  bytes[0] = VERSION;
  bytes[1] = LEAF_TYPES.indexOf(leaf.type) + 1;
  writeCount(bytes, leaf.boot_epoch, 2, 'boot_epoch');
  writeCount(bytes, leaf.seq, 10, 'seq');
  writeCount(bytes, leaf.occurred_at, 18, 'occurred_at');
  writeHash(bytes, leaf.schema_sha256, 26);
  writeHash(bytes, leaf.payload_hash, 58);
  writeHash(bytes, leaf.prev_hash, 90);
  bytes.set(sourceField(leaf.source_id), SOURCE_AT);
  return bytes;
}

/** Length and padded text of a source id: the same few sources come again and again. */
function sourceField(sourceId: string): Buffer {
  const known = sourceFields.get(sourceId);
  if (known !== undefined) return known;
  const text = Buffer.from(sourceId);
  if (text.length < 1 || text.length > SOURCE_BYTES || text.toString() !== sourceId || sourceId.includes('\0')) {
    throw invalid('source_id does not fit a leaf');
  }
  const field = Buffer.alloc(1 + SOURCE_BYTES);
  field[0] = text.length;
  text.copy(field, 1);
  if (sourceFields.size >= KNOWN_SOURCES) sourceFields.clear();
  sourceFields.set(sourceId, field);
  return field;
}

/** Strict: accepts exactly what encodeLeaf writes. @throws AffiantError event_invalid */
export function decodeLeaf(bytes: Buffer): Leaf {
  if (bytes.length !== LEAF_BYTES) throw invalid(`a leaf has ${LEAF_BYTES} bytes, this one ${bytes.length}`);
  if (bytes[0] !== VERSION) throw invalid(`unknown leaf version ${bytes[0]}`);
  const type = LEAF_TYPES[bytes[1]! - 1];
  if (type === undefined) throw invalid(`unknown leaf type ${bytes[1]}`);
  const length = bytes[122]!;
  const leaf: Leaf = {
    type,
    boot_epoch: readCount(bytes, 2),
    seq: readCount(bytes, 10),
    occurred_at: readCount(bytes, 18),
    schema_sha256: bytes.subarray(26, 58),
    payload_hash: bytes.subarray(58, 90),
    prev_hash: bytes.subarray(90, 122),
    source_id: bytes.toString('utf8', 123, 123 + Math.min(length, SOURCE_BYTES)),
  };
  if (!encodeLeaf(leaf).equals(bytes)) throw invalid('the leaf is not in its one valid encoding');
  return leaf;
}

function writeCount(bytes: Buffer, value: number, at: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name} does not fit a leaf`);
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}

function readCount(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
  if (!Number.isSafeInteger(value)) throw invalid('a number of the leaf is too large');
  return value;
}

function writeHash(bytes: Buffer, hash: Buffer, at: number): void {
  if (hash.length !== 32) throw invalid('a hash does not have 32 bytes');
  hash.copy(bytes, at);
}

function invalid(message: string): AffiantError {
  return new AffiantError('event_invalid', message);
}
