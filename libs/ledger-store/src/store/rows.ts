import type { AnchorRow, CheckpointRow, ContentRow, EventRow, LeafRow } from '../port.js';
import type { Chunks } from './chunks.js';
import { RowBinaryWriter } from './row-binary.js';

/** A table with its columns in the order in which `write` writes them. */
export interface RowFormat<T> {
  readonly table: string;
  readonly columns: readonly string[];
  readonly write: (to: RowBinaryWriter, row: T) => void;
}

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

/** The rows as one RowBinary block, in parts that follow each other; large values of the rows are parts themselves. */
export function encodeRows<T>(format: RowFormat<T>, rows: readonly T[], chunks: Pick<Chunks, 'take'>): readonly Buffer[] {
  const to = new RowBinaryWriter(chunks);
  for (const row of rows) format.write(to, row);
  return to.take();
}
