import type { CheckpointRow, EventRow, LeafRow } from '#ledger-store';

/** What of a checkpoint row its signed note and its event vouch for. */
type SignedCheckpoint = Omit<CheckpointRow, 'sealed_at'>;

/** One column: how it is read as JSON, and what it must be. */
export interface Column<Row> {
  readonly name: string;
  /** `c_<name>`: its name in a row as read. */
  readonly key: string;
  readonly sql: string;
  readonly of: (row: Row) => unknown;
}

/** A row as read: column name -> value of its expression. */
export type ReadRow = Readonly<Record<string, unknown>>;

const column = <Row>(name: string, sql: string, of: (row: Row) => unknown): Column<Row> => ({ name, key: `c_${name}`, sql, of });
const plain = <Row>(name: keyof Row & string): Column<Row> => column(name, name, (row) => row[name]);
const hex = <Row>(name: keyof Row & string): Column<Row> =>
  column(name, `lower(hex(${name}))`, (row) => (row[name] as unknown as Buffer).toString('hex'));
const hexes = (name: 'segment_sha256' | 'segment_content'): Column<EventRow> =>
  column(name, `arrayMap(part -> lower(hex(part)), ${name})`, (row) => row[name].map((part) => part.toString('hex')));
const micros = <Row>(name: keyof Row & string): Column<Row> => column(name, `toUnixTimestamp64Micro(${name})`, (row) => row[name]);

const EVENT_TEXT = [
  'source_id', 'boot_epoch', 'seq', 'topic', 'log_partition', 'log_offset', 'event_type', 'event_id', 'clock_offset_us', 'build', 'session_id',
  'exchange_id', 'connection', 'principal_issuer', 'principal_subject', 'principal_kind', 'principal_groups', 'principal_actor', 'token_digest',
  'data', 'segment_length', 'segment_inline', 'content_key',
] as const; // prettier-ignore

/** Every column of ledger.events but `ingested_at` follows from the event's bytes and its place. */
export const EVENT_COLUMNS: readonly Column<EventRow>[] = [
  ...EVENT_TEXT.map((name) => plain<EventRow>(name)),
  micros('occurred_at'),
  hexes('segment_sha256'),
  hexes('segment_content'),
  hex('raw'),
  hex('payload_hash'),
  hex('prev_hash'),
  hex('schema_sha256'),
  hex('leaf'),
];

export const LEAF_COLUMNS: readonly Column<LeafRow>[] = [
  plain<LeafRow>('leaf_index'),
  plain<LeafRow>('source_id'),
  plain<LeafRow>('seq'),
  hex('leaf_hash'),
  hex('leaf'),
  plain<LeafRow>('round'),
];

export const CHECKPOINT_COLUMNS: readonly Column<SignedCheckpoint>[] = [
  plain<SignedCheckpoint>('round'),
  plain<SignedCheckpoint>('tree_size'),
  plain<SignedCheckpoint>('root_hash'),
  plain<SignedCheckpoint>('note'),
  plain<SignedCheckpoint>('frontier_sources'),
  plain<SignedCheckpoint>('frontier_seqs'),
];

const selected = <Row>(columns: readonly Column<Row>[]): string => columns.map(({ name, sql }) => `${sql} AS c_${name}`).join(', ');

/**
 * The five reads that a check of rows needs, each in the order it is read in; `affiant ledger export` writes their answers, one JSON object a
 * line. `fields` is derived by the engine: it is compared with what `data` gives now, in the engine.
 */
export const ROW_QUERIES = {
  anchors: `SELECT tree_size AS c_tree_size, root_hash AS c_root_hash, note AS c_note, witness_names AS c_witness_names, arrayMap(time -> toUnixTimestamp(time), witness_times) AS c_witness_times FROM ledger.anchors ORDER BY tree_size`,
  events: `SELECT ${selected(EVENT_COLUMNS)}, toUnixTimestamp64Micro(ingested_at) AS c_ingested_at, toString(fields) AS c_fields, toString(JSONExtract(data, toTypeName(fields))) AS c_fields_expected FROM ledger.events ORDER BY source_id, seq`,
  leaves: `SELECT ${selected(LEAF_COLUMNS)} FROM ledger.leaves ORDER BY leaf_index`,
  leaf_runs: `SELECT source_id AS c_source_id, seq_from AS c_seq_from, seq_to AS c_seq_to, index_from AS c_index_from, round AS c_round FROM ledger.leaf_runs ORDER BY index_from`,
  checkpoints: `SELECT ${selected(CHECKPOINT_COLUMNS)}, toUnixTimestamp64Micro(sealed_at) AS c_sealed_at FROM ledger.checkpoints ORDER BY round`,
} as const;

/** Names of the columns that are not what they must be. */
export function differingColumns<Row>(columns: readonly Column<Row>[], read: ReadRow, expected: Row): string[] {
  const names: string[] = [];
  for (const { name, key, of } of columns) {
    const [value, wanted] = [read[key], of(expected)];
    if (!isSame(value, wanted) && text(value) !== text(wanted)) names.push(name);
  }
  return names;
}

/** What needs no text to be compared: nearly every value of a sound row. */
function isSame(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((one, at) => one === b[at]);
}

/** Numbers come as numbers or as text, by their size. */
function text(value: unknown): string {
  return Array.isArray(value) ? JSON.stringify(value.map(String)) : String(value);
}
