import { createHash } from 'node:crypto';
import type { EventRow, LeafRow } from '../port.js';

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** July 2026, microseconds. */
export const SAMPLE_TIME = Date.UTC(2026, 6, 1) * 1000;

/** A valid event row; `data` is given as an object, hashes follow from the bytes. */
export function sampleEvent(seq: number, over: Partial<Omit<EventRow, 'data'>> & { readonly data?: object } = {}): EventRow {
  const data = JSON.stringify(over.data ?? { kind: 'gateway.heartbeat', outcome: 'success', subject: null, attributes: [], detail: null });
  const raw = over.raw ?? Buffer.from(`\0${over.source_id ?? 'gateway'}/${seq}/${data}`, 'utf8');
  const payload_hash = sha256(raw);
  return {
    source_id: 'gateway',
    boot_epoch: 1,
    seq,
    topic: 'affiant.control.v1',
    log_partition: over.source_id ?? 'gateway',
    log_offset: seq,
    event_type: 'control',
    event_id: `0198c000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
    occurred_at: SAMPLE_TIME + seq * 1000,
    ingested_at: SAMPLE_TIME,
    clock_offset_us: -3,
    build: '0.1.0',
    session_id: '',
    exchange_id: '',
    connection: 'claude',
    principal_issuer: 'https://idp.example.com',
    principal_subject: 'alice@example.com',
    principal_kind: 'user',
    principal_groups: ['engineering'],
    principal_actor: '',
    token_digest: 'ab'.repeat(32),
    segment_sha256: [],
    segment_length: [],
    segment_inline: [],
    segment_content: [],
    content_key: '',
    prev_hash: Buffer.alloc(32),
    schema_sha256: Buffer.alloc(32, 7),
    leaf: Buffer.concat([payload_hash, Buffer.from(String(seq))]),
    ...over,
    data,
    raw,
    payload_hash: over.payload_hash ?? payload_hash,
  };
}

export const sampleEvents = (from: number, to: number, over: Parameters<typeof sampleEvent>[1] = {}): EventRow[] =>
  Array.from({ length: to - from + 1 }, (_, index) => sampleEvent(from + index, over));

/** Leaves of the rows in their order, from a leaf index on. */
export function sampleLeaves(rows: readonly EventRow[], from: number, round = 1): LeafRow[] {
  return rows.map((row, index) => ({
    leaf_index: from + index,
    source_id: row.source_id,
    seq: row.seq,
    leaf_hash: sha256(Buffer.concat([Buffer.from([0]), row.leaf])),
    leaf: row.leaf,
    round,
  }));
}

/** Segment columns of a body; content null = carried by an earlier event. */
export function sampleSegments(
  segments: readonly { readonly text: string; readonly inline?: boolean }[],
): Pick<EventRow, 'segment_sha256' | 'segment_length' | 'segment_inline' | 'segment_content'> {
  const bytes = segments.map(({ text }) => Buffer.from(text, 'utf8'));
  return {
    segment_sha256: bytes.map(sha256),
    segment_length: bytes.map((content) => content.length),
    segment_inline: segments.map(({ inline }) => inline ?? true),
    segment_content: bytes.map((content, index) => (segments[index]?.inline === false ? Buffer.alloc(0) : content)),
  };
}
