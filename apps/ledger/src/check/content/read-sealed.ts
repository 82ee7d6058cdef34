import type { EventCodec } from '#events';
import type { LogRecord } from '#event-log';
import type { StoredEvent } from '#ledger-store';
import { sealedContent, type SealedContent } from '../../ingest/open-content.js';
import { EventReader } from '../../read-event.js';

/** What an event says of its text, by its bytes alone: no column of ledger.events but source, seq, topic and raw is read. */
export interface SealedEvent {
  readonly source_id: string;
  readonly seq: number;
  readonly event_id: string;
  /** Microseconds since the Unix epoch. */
  readonly occurred_at: number;
  readonly session_id: string;
  readonly exchange_id: string;
  /** Null when it carries nothing sealed, as most events do. */
  readonly content: SealedContent | null;
}

export class SealedReader {
  readonly #reader: EventReader;

  constructor(codec: EventCodec) {
    this.#reader = new EventReader(codec, true);
  }

  /** Bytes that cannot be read carry no text; that they are those of the leaf, and of this place, is what `affiant verify --events` checks. */
  read(source: string, { seq, topic, value }: StoredEvent): SealedEvent {
    const { decoded } = this.#reader.read({ topic: topic as LogRecord['topic'], partition: source, offset: seq, value });
    const envelope = decoded?.event.envelope;
    return {
      source_id: source,
      seq,
      event_id: envelope?.event_id ?? '',
      occurred_at: envelope?.occurred_at ?? 0,
      session_id: envelope?.session_id ?? '',
      exchange_id: envelope?.exchange_id ?? '',
      content: decoded === null ? null : sealedContent(decoded),
    };
  }
}
