import { AffiantError, toAffiantError } from '#errors';
import { payloadHash, type DecodedEvent, type EventCodec } from '#events';
import type { LogRecord } from '#event-log';
import { encodeLeaf, type LeafType } from '#tlog';

const ZERO_HASH = Buffer.alloc(32);
const NO_LEAF = Buffer.alloc(0);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_EPOCH = 2 ** 32;

/** An event as ingest and the sequencer both see it: a pure function of the record, so that row and leaf can never disagree. */
export interface ReadEvent {
  readonly type: LeafType | 'checkpoint';
  readonly source_id: string;
  readonly boot_epoch: number;
  readonly seq: number;
  readonly occurred_at: number;
  readonly payload_hash: Buffer;
  readonly prev_hash: Buffer;
  readonly schema_sha256: Buffer;
  /** Empty for a checkpoint, which is no leaf. */
  readonly leaf: Buffer;
  /** Null when the bytes cannot be decoded. */
  readonly decoded: DecodedEvent | null;
  /** Why not. */
  readonly problem: AffiantError | null;
}

/** Reads events of the log; schema digests are kept as bytes. */
export class EventReader {
  readonly #schemas = new Map<string, Buffer>();

  constructor(private readonly codec: EventCodec) {}

  /**
   * Never fails on bad bytes: they become an `undecodable` event that takes the record's place (partition as source, offset as seq).
   * In the embedded log these are the real source and seq, so the chain of the source goes on over it.
   */
  read(record: LogRecord): ReadEvent {
    const hash = payloadHash(record.value);
    try {
      return this.#readDecodable(record, hash);
    } catch (error) {
      const problem = toAffiantError(error, 'event_invalid', 'the event cannot be decoded');
      const place = { source_id: record.partition, boot_epoch: 0, seq: record.offset, occurred_at: 0 };
      const hashes = { payload_hash: hash, prev_hash: ZERO_HASH, schema_sha256: ZERO_HASH };
      const leaf = encodeLeaf({ type: 'undecodable', ...place, ...hashes });
      return { type: 'undecodable', ...place, ...hashes, leaf, decoded: null, problem };
    }
  }

  #readDecodable(record: LogRecord, payload_hash: Buffer): ReadEvent {
    const decoded = this.codec.decode(record.value);
    const { type, event } = decoded;
    const { source_id, boot_epoch, seq, occurred_at, prev_hash, event_id } = event.envelope;
    need(this.codec.topicOf(type, event) === record.topic, 'the event is on another topic than its schema belongs to');
    need(seq >= 1 && boot_epoch >= 0 && boot_epoch < MAX_EPOCH && occurred_at >= 0, 'a number of the envelope is out of range');
    need(UUID.test(event_id), 'the event id is not a UUID');
    const schema_sha256 = this.#schemaBytes(this.codec.schemaSha256(record.value));
    const head = { source_id, boot_epoch, seq, occurred_at, payload_hash, prev_hash, schema_sha256 };
    // Encoded for a checkpoint too: its source id must fit a leaf like any other.
    const leaf = encodeLeaf({ ...head, type: type === 'checkpoint' ? 'control' : type });
    return { ...head, type, leaf: type === 'checkpoint' ? NO_LEAF : leaf, decoded, problem: null };
  }

  #schemaBytes(hex: string): Buffer {
    let bytes = this.#schemas.get(hex);
    if (bytes === undefined) this.#schemas.set(hex, (bytes = Buffer.from(hex, 'hex')));
    return bytes;
  }
}

function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AffiantError('event_invalid', message);
}
