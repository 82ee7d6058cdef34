import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createClient, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client';
import { AffiantError } from '#errors';
import type { CheckpointRow, EventRow, LeafRow, LedgerStore, RangeDigest } from '../port.js';
import { batches } from './batches.js';
import { engineError } from './engine-errors.js';
import { leafRuns } from './leaf-runs.js';
import { loadMigrations, pendingMigrations, type AppliedMigration, type Migration } from './migrations.js';
import { CHECKPOINT_ROWS, EVENT_ROWS, LEAF_ROWS, RUN_ROWS, encodeRows, type RowFormat } from './rows.js';

export interface ClickHouseLedgerStoreOptions {
  /** Base URL of the HTTP interface. */
  readonly url: string;
  /** Extra headers of every call, e.g. the embedded engine's secret header. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly user: string;
  readonly password: string;
  /** Bound of one call, milliseconds. */
  readonly timeoutMs?: number;
  readonly migrations?: readonly Migration[];
}

/**
 * Settings that make an insert atomic and replayable (research/ledger.md §2.2): synchronous, one block, one part, deduplicated by token.
 */
const INSERT_SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  input_format_parallel_parsing: 0,
  max_insert_block_size: '1048449',
  wait_end_of_query: 1,
};

/** The ledger over ClickHouse's HTTP interface: the embedded engine and a server alike (docs/adr/0003-clickhouse-client.md). */
export class ClickHouseLedgerStore implements LedgerStore {
  readonly #client: ClickHouseClient;
  readonly #migrations: readonly Migration[];

  constructor(options: ClickHouseLedgerStoreOptions) {
    this.#client = createClient({
      url: options.url,
      username: options.user,
      password: options.password,
      http_headers: { ...options.headers },
      request_timeout: options.timeoutMs ?? 60_000,
      max_open_connections: 4,
      keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
      log: { level: 127 },
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0, date_time_output_format: 'iso' },
    });
    this.#migrations = options.migrations ?? loadMigrations();
  }

  /**
   * Applies what is pending, in order. A crash between a statement and the record of its migration leaves objects behind that the next
   * run meets again: the bootstrap and every statement are written to pass over what is already there.
   */
  async migrate(): Promise<void> {
    for (const statement of BOOTSTRAP) await this.#command(statement, 'Preparing the ledger');
    const applied = await this.query<AppliedMigration>('SELECT id, digest FROM ledger.migrations ORDER BY id');
    for (const migration of pendingMigrations(this.#migrations, applied)) {
      for (const statement of migration.statements) await this.#command(statement, `Migration ${migration.id}_${migration.name}`);
      await this.#insert(`migration/${migration.id}`, MIGRATION_ROWS, [migration]);
    }
  }

  /**
   * A crash before the engine answers leaves each part of the batch either whole or absent; the same call completes it.
   * The engine drops a block whose token it knows without looking at the rows, so what it holds is read back and compared.
   */
  async appendEvents(token: string, rows: readonly EventRow[]): Promise<void> {
    for (const batch of batches(rows)) await this.#insert(`${token}/${batch.key}`, EVENT_ROWS, batch.rows);
    for (const [source, mine] of groupBySource(rows)) await this.#confirmEvents(token, source, mine);
  }

  /** Leaves first, runs second: a crash between leaves runs missing, which the same call completes; no view shows the leaves before. */
  async appendLeaves(token: string, rows: readonly LeafRow[]): Promise<void> {
    if (rows.length === 0) return;
    const runs = leafRuns(rows);
    await this.#insert(`${token}/leaves`, LEAF_ROWS, rows);
    await this.#confirmLeaves(token, rows);
    await this.#insert(`${token}/runs`, RUN_ROWS, runs);
  }

  async appendCheckpoint(row: CheckpointRow): Promise<void> {
    await this.#insert(`checkpoint/${row.round}`, CHECKPOINT_ROWS, [row]);
    const held = await this.query<{ root_hash: string; note: string }>(
      'SELECT root_hash, note FROM ledger.checkpoints WHERE round = {round:UInt64}',
      { round: row.round },
    );
    if (held.length !== 1 || held[0]?.root_hash !== row.root_hash || held[0].note !== row.note) {
      throw new AffiantError('ledger_conflict', `The ledger holds another checkpoint for round ${row.round}.`);
    }
  }

  async rangeDigest(sourceId: string, from: number, to: number): Promise<RangeDigest> {
    const rows = await this.query<RangeDigest>(
      `SELECT count() AS count, lower(hex(SHA256(unhex(arrayStringConcat(groupArray(hash)))))) AS digest
       FROM (SELECT hex(payload_hash) AS hash FROM ledger.events
             WHERE source_id = {source:String} AND seq BETWEEN {from:UInt64} AND {to:UInt64} ORDER BY seq)`,
      { source: sourceId, from, to },
    );
    return rows[0] ?? { count: 0, digest: '' };
  }

  async query<T>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
    try {
      const result = await this.#client.query({ query: sql, query_params: { ...params }, format: 'JSONEachRow' });
      return await result.json<T>();
    } catch (error) {
      throw engineError(error, 'A ledger query', 'engine_failed');
    }
  }

  async ping(): Promise<boolean> {
    return (await this.#client.ping()).success;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #command(query: string, action: string): Promise<void> {
    try {
      await this.#client.command({ query });
    } catch (error) {
      throw engineError(error, action, 'engine_failed');
    }
  }

  async #insert<T>(token: string, format: RowFormat<T>, rows: readonly T[]): Promise<void> {
    const query = `INSERT INTO ${format.table} (${format.columns.join(', ')}) FORMAT RowBinary`;
    const settings = { ...INSERT_SETTINGS, insert_deduplication_token: token };
    try {
      const values = Readable.from([encodeRows(format, rows)], { objectMode: false });
      const { stream } = await this.#client.exec({ query, values, clickhouse_settings: settings });
      for await (const chunk of stream) void chunk;
    } catch (error) {
      throw engineError(error, `An insert into ${format.table}`, 'ledger_conflict');
    }
  }

  /** One digest answers for a batch without holes; only a batch with holes, or a wrong digest, is compared row by row. */
  async #confirmEvents(token: string, source: string, rows: readonly EventRow[]): Promise<void> {
    const sorted = rows.toSorted((a, b) => a.seq - b.seq);
    const from = sorted[0]?.seq ?? 0;
    const to = sorted.at(-1)?.seq ?? 0;
    if (to - from + 1 === rows.length) {
      const hash = createHash('sha256');
      for (const row of sorted) hash.update(row.payload_hash);
      const held = await this.rangeDigest(source, from, to);
      if (held.count === rows.length && held.digest === hash.digest('hex')) return;
    }
    const held = await this.query<{ seq: number; hash: string; times: number }>(
      `SELECT seq, lower(hex(any(payload_hash))) AS hash, count() AS times FROM ledger.events
       WHERE source_id = {source:String} AND seq BETWEEN {from:UInt64} AND {to:UInt64} GROUP BY seq`,
      { source, from, to },
    );
    const bySeq = new Map(held.map((row) => [row.seq, row]));
    for (const row of sorted) {
      const found = bySeq.get(row.seq);
      if (found?.hash === row.payload_hash.toString('hex') && found.times === 1) continue;
      const what = found === undefined ? 'does not hold' : found.times > 1 ? 'holds more than once' : 'holds another event as';
      throw new AffiantError('ledger_conflict', `After token ${token} the ledger ${what} source ${source}, seq ${row.seq}.`);
    }
  }

  async #confirmLeaves(token: string, rows: readonly LeafRow[]): Promise<void> {
    const hash = createHash('sha256');
    for (const row of rows) hash.update(row.leaf_hash);
    const [held] = await this.query<RangeDigest>(
      `SELECT count() AS count, lower(hex(SHA256(unhex(arrayStringConcat(groupArray(hash)))))) AS digest
       FROM (SELECT hex(leaf_hash) AS hash FROM ledger.leaves
             WHERE leaf_index BETWEEN {from:UInt64} AND {to:UInt64} ORDER BY leaf_index)`,
      { from: rows[0]?.leaf_index, to: rows.at(-1)?.leaf_index },
    );
    if (held?.count === rows.length && held.digest === hash.digest('hex')) return;
    throw new AffiantError('ledger_conflict', `After token ${token} the ledger holds other leaves from index ${rows[0]?.leaf_index}.`);
  }
}

function groupBySource(rows: readonly EventRow[]): Map<string, EventRow[]> {
  const groups = new Map<string, EventRow[]>();
  for (const row of rows) {
    const group = groups.get(row.source_id);
    if (group === undefined) groups.set(row.source_id, [row]);
    else group.push(row);
  }
  return groups;
}

const BOOTSTRAP = [
  'CREATE DATABASE IF NOT EXISTS ledger',
  'CREATE DATABASE IF NOT EXISTS audit',
  `CREATE TABLE IF NOT EXISTS ledger.migrations
   (id UInt32, name String, digest String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
   ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1`,
];

const MIGRATION_ROWS: RowFormat<Migration> = {
  table: 'ledger.migrations',
  columns: ['id', 'name', 'digest'],
  write: (to, row) => {
    to.uint32(row.id);
    to.string(row.name);
    to.string(row.digest);
  },
};
