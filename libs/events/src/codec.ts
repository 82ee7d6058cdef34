import { createHash, hash } from 'node:crypto';
import avsc from 'avsc';
import { AffiantError } from '#errors';
import { gathering, type Gathered } from './gathered-bytes.js';
import { guardedTypes } from './guarded-types.js';
import { distinctSchemas, loadEarlierSchemas, loadSchemas, type RegisteredSchema } from './schemas.js';
import { TOPICS, type Topic } from './topics.js';
import type { EventType } from './recorder.js';
import type { BodySegment, Checkpoint, Control, DeadLetter, Decision, Request, Response } from './types.js';

/** A decoded event, told apart by `type`. */
export type DecodedEvent =
  | { readonly type: 'request'; readonly event: Request }
  | { readonly type: 'segment'; readonly event: BodySegment }
  | { readonly type: 'decision'; readonly event: Decision }
  | { readonly type: 'response'; readonly event: Response }
  | { readonly type: 'control'; readonly event: Control }
  | { readonly type: 'checkpoint'; readonly event: Checkpoint }
  | { readonly type: 'dead_letter'; readonly event: DeadLetter };

const TYPE_OF_NAME: Record<string, EventType> = {
  'affiant.v1.Request': 'request',
  'affiant.v1.BodySegment': 'segment',
  'affiant.v1.Decision': 'decision',
  'affiant.v1.Response': 'response',
  'affiant.v1.Control': 'control',
  'affiant.v1.Checkpoint': 'checkpoint',
  'affiant.v1.DeadLetter': 'dead_letter',
};

/** Confluent wire framing: 0x00 and the schema id. */
const FRAME_BYTES = 5;
const SLAB_BYTES = 256 * 1024;

/** What is written with. */
interface Writer {
  readonly registered: RegisteredSchema;
  readonly avro: avsc.Type;
}

/** How the bytes behind an id are read. */
interface Reader extends Writer {
  readonly type: EventType;
  /** From a version that an earlier release wrote to what `avro`, the current one, reads; undefined for the current one. */
  readonly resolver: avsc.Resolver | undefined;
}

/**
 * Encodes and decodes events in Confluent wire framing: 0x00, 4-byte big-endian schema id, Avro binary. It writes the bundled schemas, and reads every
 * version there was (`schemas/earlier`), as an event of the bundled one: what the writer did not know yet has its default.
 * Decoding never trusts its input: @throws AffiantError event_invalid, also for the id of a version that a later release wrote.
 */
export class EventCodec {
  readonly schemas: readonly RegisteredSchema[];
  /** Every version it reads, in the order of the ids. */
  readonly readable: readonly RegisteredSchema[];
  readonly #readers = new Map<number, Reader>();
  readonly #writers = new Map<EventType, Writer>();
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #slabUsed = 0;

  /** @throws AffiantError event_invalid when an id stands for two texts, or a version cannot be read as the bundled one */
  constructor(schemas: readonly RegisteredSchema[] = loadSchemas(), earlier: readonly RegisteredSchema[] = loadEarlierSchemas(schemas)) {
    this.schemas = schemas;
    for (const registered of schemas) this.#writers.set(typeOfName(registered), { registered, avro: avroOf(registered) });
    this.readable = distinctSchemas([...schemas, ...earlier]);
    for (const registered of this.readable) this.#readers.set(registered.id, this.#readerOf(registered));
  }

  /** Framed bytes, whose memory nobody else writes to; small events share a slab, so that a busy recorder does not feed the collector. */
  encode(type: EventType, event: object, expectedBytes = 0): Buffer {
    return this.#encode(type, event, expectedBytes);
  }

  /**
   * The same bytes in parts that follow each other. Byte fields of 4 kB and more are parts of their own, the event's own memory: content goes to the disk
   * without being copied into the event. `expectedBytes` is without them.
   */
  encodeInParts(type: EventType, event: object, expectedBytes = 0): readonly Buffer[] {
    const fields: Gathered[] = [];
    const written = gathering(fields, () => this.#encode(type, event, expectedBytes, fields));
    if (fields.length === 0) return [written];
    const parts: Buffer[] = [];
    const start = written.byteOffset;
    let from = 0;
    for (const { at, bytes } of fields) {
      const to = at - start;
      parts.push(written.subarray(from, to), bytes);
      from = to;
    }
    if (from < written.length) parts.push(written.subarray(from));
    return parts;
  }

  #encode(type: EventType, event: object, expectedBytes: number, fields?: Gathered[]): Buffer {
    const { avro, registered } = this.#writer(type);
    // Where it does not fit it is encoded twice, which an event that cites thousands of segments is too large for.
    const isLarge = expectedBytes > SLAB_BYTES / 4;
    let slab = isLarge ? Buffer.allocUnsafeSlow(expectedBytes) : this.#slab;
    let from = isLarge ? 0 : this.#slabUsed;
    for (;;) {
      if (fields !== undefined) fields.length = 0;
      const end = encodeInto(slab, from + FRAME_BYTES, avro, event, type);
      if (end >= 0) {
        slab.writeUInt8(0, from);
        slab.writeUInt32BE(registered.id, from + 1);
        if (slab === this.#slab) this.#slabUsed = end;
        return slab.subarray(from, end);
      }
      // avsc says by how many bytes it did not fit: a large event gets memory of its own, a small one the next slab.
      const bytes = slab.length - end - from;
      slab = Buffer.allocUnsafeSlow(bytes > SLAB_BYTES / 4 ? bytes : SLAB_BYTES);
      if (slab.length === SLAB_BYTES) this.#slab = slab;
      from = 0;
    }
  }

  decode(framed: Buffer): DecodedEvent {
    const { type, avro, resolver, registered } = this.#reader(framed);
    try {
      return { type, event: avro.fromBuffer(framed.subarray(FRAME_BYTES), resolver) } as DecodedEvent;
    } catch (cause) {
      throw new AffiantError('event_invalid', `not a valid ${registered.name}`, { where: 'byte 5', cause });
    }
  }

  /** Type of the framed bytes by their schema id alone; the rest is not looked at. */
  typeOf(framed: Buffer): EventType {
    return this.#reader(framed).type;
  }

  /** Hex SHA-256 of the schema the framed bytes name: the writer's, of whatever version. */
  schemaSha256(framed: Buffer): string {
    return this.#reader(framed).registered.sha256;
  }

  /** Topic of an event; a segment goes where the event that cites it goes. */
  topicOf(type: EventType, event: object): Topic {
    const { registered } = this.#writer(type);
    if (registered.topic !== null) return registered.topic;
    return (event as BodySegment).direction === 'request' ? TOPICS.request : TOPICS.response;
  }

  #reader(framed: Buffer): Reader {
    if (framed.length < FRAME_BYTES || framed[0] !== 0)
      throw new AffiantError('event_invalid', 'not in Confluent wire framing', { where: 'byte 0' });
    const id = framed.readUInt32BE(1);
    const reader = this.#readers.get(id);
    if (reader === undefined)
      throw new AffiantError('event_invalid', `unknown schema id ${id}`, {
        where: 'byte 1',
        remedy: 'Written by a later release? Upgrade this reader: docs/guide/upgrade.md.',
      });
    return reader;
  }

  #writer(type: EventType): Writer {
    const writer = this.#writers.get(type);
    if (writer === undefined) throw new AffiantError('event_invalid', `no schema for ${type}`);
    return writer;
  }

  #readerOf(registered: RegisteredSchema): Reader {
    const type = typeOfName(registered);
    const current = this.#writer(type);
    if (current.registered.id === registered.id) return { ...current, type, resolver: undefined };
    try {
      return { registered, avro: current.avro, type, resolver: current.avro.createResolver(avroOf(registered)) };
    } catch (cause) {
      throw new AffiantError('event_invalid', `version ${registered.id} of ${registered.name} cannot be read as the current one`, {
        cause,
      });
    }
  }
}

function typeOfName({ name }: RegisteredSchema): EventType {
  const type = TYPE_OF_NAME[name];
  if (type === undefined) throw new AffiantError('event_invalid', `unknown schema ${name}`);
  return type;
}

const avroOf = ({ schema }: RegisteredSchema): avsc.Type => avsc.Type.forSchema(schema as avsc.Schema, { typeHook: guardedTypes });

function encodeInto(buffer: Buffer, at: number, avro: avsc.Type, event: object, type: EventType): number {
  try {
    return avro.encode(event, buffer, at);
  } catch (cause) {
    throw new AffiantError('event_invalid', `a ${type} event does not fit its schema`, { cause });
  }
}

/** SHA-256 over the exact framed bytes: never over a re-encoding. */
export function payloadHash(framed: Uint8Array): Buffer {
  // From Node's buffer pool: a Buffer with memory of its own costs more in garbage collection than small events cost to hash.
  return Buffer.from(hash('sha256', framed, 'binary'), 'binary');
}

/** The same for an event that was encoded in parts. */
export function partsHash(parts: readonly Buffer[]): Buffer {
  if (parts.length === 1) return payloadHash(parts[0]!);
  const whole = createHash('sha256');
  for (const part of parts) whole.update(part);
  return Buffer.from(whole.digest('binary'), 'binary');
}
