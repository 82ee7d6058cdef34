import type { LogRecord } from '#event-log';
import type { EventRow } from '#ledger-store';
import type { DecodedRead, ReadEvent } from '../read-event.js';
import { eventData } from './event-data.js';
import { contentKeyOf } from './open-content.js';

const EMPTY = Buffer.alloc(0);
const NO_GROUPS: readonly string[] = [];

/** Row of ledger.events. Content that is sealed stays sealed, in the raw bytes. Everything but `ingested_at` is a pure function of the record. */
export function buildRow(record: LogRecord, { event: read, decoded }: DecodedRead, ingestedAt: number): EventRow {
  const { data, segments } = decoded === null ? undecodable(record, read) : eventData(decoded);
  const envelope = decoded?.event.envelope;
  const principal = envelope?.principal;
  const contentKey = decoded === null ? null : contentKeyOf(decoded);
  return {
    source_id: read.source_id,
    boot_epoch: read.boot_epoch,
    seq: read.seq,
    topic: record.topic,
    log_partition: record.partition,
    log_offset: record.offset,
    event_type: read.type,
    occurred_at: read.occurred_at,
    ingested_at: ingestedAt,
    event_id: envelope?.event_id ?? '',
    clock_offset_us: envelope?.clock_offset_us ?? 0,
    build: envelope?.build ?? '',
    session_id: envelope?.session_id ?? '',
    exchange_id: envelope?.exchange_id ?? '',
    connection: envelope?.connection ?? '',
    principal_issuer: principal?.issuer ?? '',
    principal_subject: principal?.subject ?? '',
    principal_kind: principal?.kind ?? '',
    principal_groups: principal?.groups ?? NO_GROUPS,
    principal_actor: principal?.actor ?? '',
    token_digest: principal?.token_digest ?? '',
    data: JSON.stringify(data),
    segment_sha256: segments.map((segment) => segment.sha256),
    segment_length: segments.map((segment) => segment.bytes_length),
    segment_inline: segments.map((segment) => segment.inline !== null),
    segment_content: segments.map(({ inline }) => (contentKey === null ? (inline ?? EMPTY) : EMPTY)),
    content_key: contentKey ?? '',
    raw: record.value,
    payload_hash: read.payload_hash,
    prev_hash: read.prev_hash,
    schema_sha256: read.schema_sha256,
    leaf: read.leaf,
  };
}

function undecodable(record: LogRecord, { problem }: ReadEvent): { data: object; segments: [] } {
  return { data: { code: problem?.code, reason: problem?.message, partition: record.partition, offset: record.offset }, segments: [] };
}
