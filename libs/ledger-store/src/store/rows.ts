import type { AnchorRow, CheckpointRow, ContentRow, EventRow, LeafRow } from '../port.js';
import { RowBinaryWriter } from './row-binary.js';

/** A table with its columns in the order in which `write` writes them. */
export interface RowFormat<T> {
  readonly table: string;
  readonly columns: readonly string[];
  readonly write: (to: RowBinaryWriter, row: T) => void;
  /** About how many bytes a row takes, where rows may be large: a buffer that has to grow is copied, and what was outgrown waits for the collector. */
  readonly bytes?: (row: T) => number;
}

const ROW_BYTES = 1024;
/** Digest, length and marks of a segment. */
const SEGMENT_BYTES = 48;

const contentBytes = ({ segment_sha256, segment_content }: Pick<ContentRow, 'segment_sha256' | 'segment_content'>): number =>
  segment_content.reduce((sum, { length }) => sum + length, segment_sha256.length * SEGMENT_BYTES);

export const EVENT_ROWS: RowFormat<EventRow> = {
  table: 'ledger.events',
  columns: (
    'source_id boot_epoch seq topic event_type event_id occurred_at ingested_at clock_offset_us build session_id exchange_id connection ' +
    'principal_issuer principal_subject principal_kind principal_groups principal_actor token_digest data ' +
    'segment_sha256 segment_length segment_inline segment_content raw payload_hash prev_hash schema_sha256 leaf log_partition log_offset content_key'
  ).split(' '),
  write: (to, row) => {
    to.string(row.source_id);
    to.uint32(row.boot_epoch);
    to.int64(row.seq);
    to.string(row.topic);
    to.string(row.event_type);
    to.string(row.event_id);
    to.int64(row.occurred_at);
    to.int64(row.ingested_at);
    to.int64(row.clock_offset_us);
    to.string(row.build);
    to.string(row.session_id);
    to.string(row.exchange_id);
    to.string(row.connection);
    to.string(row.principal_issuer);
    to.string(row.principal_subject);
    to.string(row.principal_kind);
    to.array(row.principal_groups, (group) => to.string(group));
    to.string(row.principal_actor);
    to.string(row.token_digest);
    to.string(row.data);
    to.array(row.segment_sha256, (hash) => to.hash(hash));
    to.array(row.segment_length, (length) => to.int64(length));
    to.array(row.segment_inline, (inline) => to.bool(inline));
    to.array(row.segment_content, (content) => to.bytes(content));
    to.bytes(row.raw);
    to.hash(row.payload_hash);
    to.hash(row.prev_hash);
    to.hash(row.schema_sha256);
    to.bytes(row.leaf);
    to.string(row.log_partition);
    to.int64(row.log_offset);
    to.string(row.content_key);
  },
  bytes: (row) => ROW_BYTES + row.raw.length + row.data.length + contentBytes(row),
};

export const CONTENT_ROWS: RowFormat<ContentRow> = {
  table: 'ledger.content',
  columns: ['source_id', 'seq', 'occurred_at', 'session_id', 'exchange_id', 'content_key', 'segment_sha256', 'segment_content'],
  write: (to, row) => {
    to.string(row.source_id);
    to.int64(row.seq);
    to.int64(row.occurred_at);
    to.string(row.session_id);
    to.string(row.exchange_id);
    to.string(row.content_key);
    to.array(row.segment_sha256, (hash) => to.hash(hash));
    to.array(row.segment_content, (content) => to.bytes(content));
  },
  bytes: (row) => ROW_BYTES + contentBytes(row),
};

export const LEAF_ROWS: RowFormat<LeafRow> = {
  table: 'ledger.leaves',
  columns: ['leaf_index', 'source_id', 'seq', 'leaf_hash', 'leaf', 'round'],
  write: (to, row) => {
    to.int64(row.leaf_index);
    to.string(row.source_id);
    to.int64(row.seq);
    to.hash(row.leaf_hash);
    to.bytes(row.leaf);
    to.int64(row.round);
  },
};

/** Neighbouring leaves of one source: seqs and indexes both consecutive. */
export interface LeafRun {
  readonly source_id: string;
  readonly seq_from: number;
  readonly seq_to: number;
  readonly index_from: number;
  readonly round: number;
}

export const RUN_ROWS: RowFormat<LeafRun> = {
  table: 'ledger.leaf_runs',
  columns: ['source_id', 'seq_from', 'seq_to', 'index_from', 'round'],
  write: (to, row) => {
    to.string(row.source_id);
    to.int64(row.seq_from);
    to.int64(row.seq_to);
    to.int64(row.index_from);
    to.int64(row.round);
  },
};

export const CHECKPOINT_ROWS: RowFormat<CheckpointRow> = {
  table: 'ledger.checkpoints',
  columns: ['round', 'tree_size', 'root_hash', 'note', 'sealed_at', 'frontier_sources', 'frontier_seqs'],
  write: (to, row) => {
    to.int64(row.round);
    to.int64(row.tree_size);
    to.string(row.root_hash);
    to.string(row.note);
    to.int64(row.sealed_at);
    to.array(row.frontier_sources, (source) => to.string(source));
    to.array(row.frontier_seqs, (seq) => to.int64(seq));
  },
};

export const ANCHOR_ROWS: RowFormat<AnchorRow> = {
  table: 'ledger.anchors',
  columns: ['tree_size', 'root_hash', 'note', 'anchored_at', 'witness_names', 'witness_times'],
  write: (to, row) => {
    to.int64(row.tree_size);
    to.string(row.root_hash);
    to.string(row.note);
    to.int64(row.anchored_at);
    to.array(row.witness_names, (name) => to.string(name));
    to.array(row.witness_times, (time) => to.int64(time));
  },
};

/** The rows as one RowBinary block. */
export function encodeRows<T>(format: RowFormat<T>, rows: readonly T[]): Buffer {
  const { bytes } = format;
  const expected = bytes === undefined ? rows.length * ROW_BYTES : rows.reduce((sum, row) => sum + bytes(row), 0);
  const to = new RowBinaryWriter(expected + 4096);
  for (const row of rows) format.write(to, row);
  return to.take();
}
