import { AffiantError, toAffiantError } from '#errors';
import { payloadHash, type DecodedEvent, type EventCodec, type EventType, type Topic } from '#events';
import type { LogRecord } from '#event-log';
import { controlLeafType, encodeLeaf, type LeafType } from '#tlog';

const ZERO_HASH = Buffer.alloc(32);
const NO_LEAF = Buffer.alloc(0);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_EPOCH = 2 ** 32;

/** An event as ingest and the sequencer both see it: a pure function of the record, so that row and leaf can never disagree. */
export interface ReadEvent {
  readonly type: EventType | 'undecodable';
  readonly source_id: string;
  readonly boot_epoch: number;
  readonly seq: number;
  readonly occurred_at: number;
  readonly payload_hash: Buffer;
  readonly prev_hash: Buffer;
  readonly schema_sha256: Buffer;
  /** Empty for a checkpoint, which is no leaf. */
  readonly leaf: Buffer;
  /** Why the bytes cannot be decoded; null when they can. */
  readonly problem: AffiantError | null;
  /** What a checkpoint or dead letter tells of; null for all others. */
  readonly tells: { readonly round: number } | DeadPlace | null;
}

/** Where an undecodable record is. */
export interface DeadPlace {
  readonly topic: string;
  readonly partition: string;
  readonly offset: number;
}

/**
 * True for a partition of a broker (`topic/number`), where offsets are places and no seqs of a source. A source id has no slash, so the two
 * never meet.
 */
export function isLogPlace(partition: string): boolean {
  return partition.includes('/');
}

/** An event with its content; null when the bytes cannot be decoded. */
export interface DecodedRead {
  readonly event: ReadEvent;
  readonly decoded: DecodedEvent | null;
}

interface Decoded {
  readonly decoded: DecodedEvent;
  readonly topic: Topic;
}

type Attempt = Decoded | { readonly error: unknown; readonly topic: null };

/** Reads events of the log; schema digests are kept as bytes. */
export class EventReader {
  readonly #schemas = new Map<string, Buffer>();

  /**
   * @param isStored what is read is the ledger's own rows (StoredEventLog). What stands there under its place could not be read by the process that
   * ingested it and stays `undecodable`, also for a later release that could: row and leaf must say the same.
   */
  constructor(
    private readonly codec: EventCodec,
    private readonly isStored = false,
  ) {}

  /**
   * Never fails on bad bytes: they become an `undecodable` event that takes the record's place (partition as source, offset as seq).
   * In the embedded log these are the real source and seq, so the chain of the source goes on over it.
   */
  read(record: LogRecord): DecodedRead {
    return this.#read(record, this.#decode(record.value));
  }

  /** A row, whose topic is not trusted: it is the one of its bytes, and `otherwise` where they cannot be decoded. */
  readRow(place: Omit<LogRecord, 'topic'>, otherwise: string): DecodedRead & { readonly record: LogRecord } {
    const attempt = this.#decode(place.value);
    const record: LogRecord = { ...place, topic: attempt.topic ?? (otherwise as Topic) };
    const { event, decoded } = this.#read(record, attempt);
    return { record, event, decoded };
  }

  #decode(value: Buffer): Attempt {
    try {
      const decoded = this.codec.decode(value);
      return { decoded, topic: this.codec.topicOf(decoded.type, decoded.event) };
    } catch (error) {
      return { error, topic: null };
    }
  }

  #read(record: LogRecord, attempt: Attempt): DecodedRead {
    const hash = payloadHash(record.value);
    try {
      if (attempt.topic === null) throw attempt.error;
      const read = this.#readDecodable(record, hash, attempt);
      need(!(this.isStored && isLogPlace(record.partition)), 'the event could not be read when it was ingested');
      return read;
    } catch (error) {
      const problem = toAffiantError(error, 'event_invalid', 'the event cannot be decoded');
      const place = { source_id: record.partition, boot_epoch: 0, seq: record.offset, occurred_at: 0 };
      const hashes = { payload_hash: hash, prev_hash: ZERO_HASH, schema_sha256: ZERO_HASH };
      const leaf = encodeLeaf({ type: 'undecodable', ...place, ...hashes });
      return { event: { type: 'undecodable', ...place, ...hashes, leaf, problem, tells: null }, decoded: null };
    }
  }

  #readDecodable(record: LogRecord, payload_hash: Buffer, { decoded, topic }: Decoded): DecodedRead {
    const { type, event } = decoded;
    const { source_id, boot_epoch, seq, occurred_at, prev_hash, event_id } = event.envelope;
    need(topic === record.topic, 'the event is on another topic than its schema belongs to');
    need(seq >= 1 && boot_epoch >= 0 && boot_epoch < MAX_EPOCH && occurred_at >= 0, 'a number of the envelope is out of range');
    need(!isLogPlace(source_id), 'the source id is the name of a place of the event log');
    need(UUID.test(event_id), 'the event id is not a UUID');
    const schema_sha256 = this.#schemaBytes(this.codec.schemaSha256(record.value));
    // Encoded for a checkpoint too: its source id must fit a leaf like any other.
    const leaf = encodeLeaf({ type: leafTypeOf(decoded), source_id, boot_epoch, seq, occurred_at, payload_hash, prev_hash, schema_sha256 });
    const read: ReadEvent = {
      type,
      source_id,
      boot_epoch,
      seq,
      occurred_at,
      payload_hash,
      prev_hash,
      schema_sha256,
      leaf: type === 'checkpoint' ? NO_LEAF : leaf,
      problem: null,
      tells: tellsOf(decoded),
    };
    return { event: read, decoded };
  }

  #schemaBytes(hex: string): Buffer {
    let bytes = this.#schemas.get(hex);
    if (bytes === undefined) this.#schemas.set(hex, (bytes = Buffer.from(hex, 'hex')));
    return bytes;
  }
}

function leafTypeOf({ type, event }: DecodedEvent): LeafType {
  if (type === 'control') return controlLeafType(event.kind);
  return type === 'checkpoint' ? 'control' : type;
}

function tellsOf({ type, event }: DecodedEvent): ReadEvent['tells'] {
  if (type === 'checkpoint') return { round: event.round };
  return type === 'dead_letter' ? { topic: event.topic, partition: event.partition, offset: event.offset } : null;
}

function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AffiantError('event_invalid', message);
}
