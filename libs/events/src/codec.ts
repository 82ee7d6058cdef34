import { hash } from 'node:crypto';
import avsc from 'avsc';
import { AffiantError } from '#errors';
import { guardedTypes } from './guarded-types.js';
import { loadSchemas, type RegisteredSchema } from './schemas.js';
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

interface Entry {
  readonly registered: RegisteredSchema;
  readonly avro: avsc.Type;
  readonly type: EventType;
}

/**
 * Encodes and decodes events in Confluent wire framing: 0x00, 4-byte big-endian schema id, Avro binary.
 * Decoding never trusts its input: @throws AffiantError event_invalid.
 */
export class EventCodec {
  readonly schemas: readonly RegisteredSchema[];
  readonly #byId = new Map<number, Entry>();
  readonly #byType = new Map<EventType, Entry>();
  #scratch = Buffer.allocUnsafe(64 * 1024);

  constructor(schemas: readonly RegisteredSchema[] = loadSchemas()) {
    this.schemas = schemas;
    for (const registered of schemas) {
      const type = TYPE_OF_NAME[registered.name];
      if (type === undefined) throw new AffiantError('event_invalid', `unknown schema ${registered.name}`);
      const entry: Entry = { registered, avro: avsc.Type.forSchema(registered.schema as avsc.Schema, { typeHook: guardedTypes }), type };
      this.#byId.set(registered.id, entry);
      this.#byType.set(type, entry);
    }
  }

  /** Framed bytes in a buffer of their own. */
  encode(type: EventType, event: object): Buffer {
    const { avro, registered } = this.#entry(type);
    for (;;) {
      const scratch = this.#scratch;
      let end: number;
      try {
        end = avro.encode(event, scratch, 5);
      } catch (cause) {
        throw new AffiantError('event_invalid', `a ${type} event does not fit its schema`, { cause });
      }
      if (end < 0) {
        this.#scratch = Buffer.allocUnsafe(Math.max(scratch.length * 2, scratch.length - end + 64));
        continue;
      }
      scratch[0] = 0;
      scratch.writeUInt32BE(registered.id, 1);
      return Buffer.from(scratch.subarray(0, end));
    }
  }

  decode(framed: Buffer): DecodedEvent {
    const entry = this.#entryOf(framed);
    try {
      return { type: entry.type, event: entry.avro.fromBuffer(framed.subarray(5)) } as DecodedEvent;
    } catch (cause) {
      throw new AffiantError('event_invalid', `not a valid ${entry.registered.name}`, { where: 'byte 5', cause });
    }
  }

  /** Type of the framed bytes by their schema id alone; the rest is not looked at. */
  typeOf(framed: Buffer): EventType {
    return this.#entryOf(framed).type;
  }

  /** Hex SHA-256 of the schema the framed bytes name. */
  schemaSha256(framed: Buffer): string {
    return this.#entryOf(framed).registered.sha256;
  }

  /** Topic of an event; a segment goes where the event that cites it goes. */
  topicOf(type: EventType, event: object): Topic {
    const { registered } = this.#entry(type);
    if (registered.topic !== null) return registered.topic;
    return (event as BodySegment).direction === 'request' ? TOPICS.request : TOPICS.response;
  }

  #entryOf(framed: Buffer): Entry {
    if (framed.length < 5 || framed[0] !== 0) throw new AffiantError('event_invalid', 'not in Confluent wire framing', { where: 'byte 0' });
    const id = framed.readUInt32BE(1);
    const entry = this.#byId.get(id);
    if (entry === undefined) throw new AffiantError('event_invalid', `unknown schema id ${id}`, { where: 'byte 1' });
    return entry;
  }

  #entry(type: EventType): Entry {
    const entry = this.#byType.get(type);
    if (entry === undefined) throw new AffiantError('event_invalid', `no schema for ${type}`);
    return entry;
  }
}

/** SHA-256 over the exact framed bytes: never over a re-encoding. */
export function payloadHash(framed: Uint8Array): Buffer {
  return hash('sha256', framed, 'buffer');
}
