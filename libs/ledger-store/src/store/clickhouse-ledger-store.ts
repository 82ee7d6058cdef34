import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createClient, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client';
import { AffiantError } from '#errors';
import type {
  AnchorRow,
  CheckpointRow,
  ContentRow,
  EventRow,
  HeldEvent,
  LeafRow,
  LedgerStore,
  LogRange,
  RangeDigest,
  SourceRange,
} from '../port.js';
import { checkServer } from '../server/check-server.js';
import { batches } from './batches.js';
import { ChunkStock } from './chunks.js';
import { engineError } from './engine-errors.js';
import { heldEvents, highestSeqs, logDigest, type Query } from './event-reads.js';
import type { SourceProgress, StoredEvent, StoredEvents } from '../stored-log/port.js';
import { statementFor, type Flavour } from './flavour.js';
import { eventCount, lowestSeqs, otherSources, progress, readEvents } from './stored-reads.js';
import { leafRuns } from './leaf-runs.js';
import { loadMigrations, pendingMigrations, type AppliedMigration, type Migration } from './migrations.js';
import { ANCHOR_ROWS, CHECKPOINT_ROWS, CONTENT_ROWS, EVENT_ROWS, LEAF_ROWS, RUN_ROWS, encodeRows, type RowFormat } from './rows.js';

export interface ClickHouseLedgerStoreOptions {
  /** Base URL of the HTTP interface. */
  readonly url: string;
  /** Extra headers of every call, e.g. the embedded engine's secret header. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly user: string;
  readonly password: string;
  /** Who may make and change tables; `migrate` uses it. The user above need only insert and select. */
  readonly migrator?: { readonly user: string; readonly password: string };
  /** Default: the embedded engine. */
  readonly flavour?: Flavour;
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

/**
 * In a cluster an insert counts when a majority of the replicas has it, and a read sees every insert that counts. Both need inserts one after
 * another; a second at the same time is refused by the engine and tried again by us.
 */
const QUORUM_SETTINGS: ClickHouseSettings = { insert_quorum: 'auto', insert_quorum_parallel: 0, insert_quorum_timeout: 30_000 };
const READ_SETTINGS: Readonly<Record<Flavour['kind'], ClickHouseSettings>> = {
  embedded: {},
  // The index by source and seq is used from the first row on; by default only large tables are read through it.
  server: { min_table_rows_to_use_projection_index: '0' } as ClickHouseSettings,
  cluster: { min_table_rows_to_use_projection_index: '0', select_sequential_consistency: '1' } as ClickHouseSettings,
};

function openClient(
  options: ClickHouseLedgerStoreOptions,
  login: { readonly user: string; readonly password: string },
  { kind }: Flavour,
): ClickHouseClient {
  return createClient({
    url: options.url,
    username: login.user,
    password: login.password,
    http_headers: { ...options.headers },
    request_timeout: options.timeoutMs ?? 60_000,
    max_open_connections: 4,
    keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
    log: { level: 127 },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0, date_time_output_format: 'iso', ...READ_SETTINGS[kind] },
  });
}

/** The ledger over ClickHouse's HTTP interface: the embedded engine and a server alike (docs/adr/0003-clickhouse-client.md). */
export class ClickHouseLedgerStore implements LedgerStore, StoredEvents {
  readonly #options: ClickHouseLedgerStoreOptions;
  readonly #flavour: Flavour;
  readonly #client: ClickHouseClient;
  readonly #read: Query = (sql, params) => this.query(sql, params);
  readonly #migrations: readonly Migration[];
  readonly #chunks = new ChunkStock();

  constructor(options: ClickHouseLedgerStoreOptions) {
    this.#options = options;
    this.#flavour = options.flavour ?? { kind: 'embedded' };
    this.#client = openClient(options, options, this.#flavour);
    this.#migrations = options.migrations ?? loadMigrations();
  }

  /**
   * Applies what is pending, in order. A crash between a statement and the record of its migration leaves objects behind that the next
   * run meets again: the bootstrap and every statement are written to pass over what is already there.
   */
  async migrate(): Promise<void> {
    const client = openClient(this.#options, this.#options.migrator ?? this.#options, this.#flavour);
    try {
      for (const statement of BOOTSTRAP) await this.#command(client, statement, 'Preparing the ledger');
      for (const migration of await this.pendingMigrations(client)) {
        for (const statement of migration.statements) await this.#command(client, statement, `Migration ${migration.id}_${migration.name}`);
        await this.#insert(`migration/${migration.id}`, MIGRATION_ROWS, [migration], client);
      }
    } finally {
      await client.close();
    }
  }

  /**
   * For a server, at start: its tables are migrated, and its settings keep what exactly-once rests on.
   * @throws AffiantError config_invalid, ledger_conflict, engine_failed
   */
  async checkServer(): Promise<void> {
    const inserting: Query = async (sql, params) => this.#select(this.#client, sql, params, INSERT_SETTINGS);
    await checkServer(this.#read, inserting, this.#flavour);
    const pending = await this.pendingMigrations();
    if (pending.length === 0) return;
    const names = pending.map(({ id, name }) => `${id}_${name}`).join(', ');
    throw new AffiantError('config_invalid', `migrations of the ledger are pending: ${names}`, {
      remedy: 'Run `affiant ledger migrate --config FILE`.',
    });
  }

  /** What `migrate` would apply; everything where it never ran. @throws AffiantError engine_failed, ledger_conflict */
  async pendingMigrations(client = this.#client): Promise<readonly Migration[]> {
    const [prepared] = await this.#select<{ n: number }>(
      client,
      "SELECT count() AS n FROM system.tables WHERE database = 'ledger' AND name = 'migrations'",
      {},
    );
    if (prepared?.n !== 1) return this.#migrations;
    const applied = await this.#select<AppliedMigration>(client, 'SELECT id, digest FROM ledger.migrations ORDER BY id', {});
    return pendingMigrations(this.#migrations, applied);
  }

  /** Not read back: it is derived, and the view takes any one of two rows alike. Rows that an erasure has deleted do not come again under the same token. */
  async appendContent(token: string, rows: readonly ContentRow[]): Promise<void> {
    for (const batch of batches(rows)) await this.#insert(`${token}/content/${batch.key}`, CONTENT_ROWS, batch.rows);
  }

  /**
   * A crash before the engine answers leaves each part of the batch either whole or absent; the same call completes it.
   * The engine drops a block whose token it knows without looking at the rows, so what it holds is read back and compared.
   */
  async appendEvents(token: string, rows: readonly EventRow[]): Promise<void> {
    for (const batch of batches(rows)) await this.#insert(`${token}/${batch.key}`, EVENT_ROWS, batch.rows);
    for (const [partition, mine] of groupByPartition(rows)) await this.#confirmEvents(token, partition, mine);
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

  async appendAnchor(row: AnchorRow): Promise<void> {
    await this.#insert(`anchor/${row.tree_size}`, ANCHOR_ROWS, [row]);
    const held = await this.query<{ note: string }>('SELECT note FROM ledger.anchors WHERE tree_size = {size:UInt64}', {
      size: row.tree_size,
    });
    if (held.length !== 1 || held[0]?.note !== row.note)
      throw new AffiantError('ledger_conflict', `The ledger holds another cosigned checkpoint of size ${row.tree_size}.`);
  }

  async lastAnchor(): Promise<Pick<AnchorRow, 'tree_size' | 'note'> | null> {
    const sql = 'SELECT tree_size, note FROM ledger.anchors ORDER BY tree_size DESC LIMIT 1';
    const [last] = await this.query<Pick<AnchorRow, 'tree_size' | 'note'>>(sql);
    return last ?? null;
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

  async logDigest(range: LogRange): Promise<RangeDigest> {
    return logDigest(this.#read, range);
  }

  async heldEvents(ranges: readonly SourceRange[]): Promise<HeldEvent[]> {
    return heldEvents(this.#read, ranges);
  }

  async highestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    return highestSeqs(this.#read, from);
  }

  async eventCount(): Promise<number> {
    return eventCount(this.#read);
  }

  async otherSources(known: readonly string[]): Promise<string[]> {
    return otherSources(this.#read, known);
  }

  async progress(from: ReadonlyMap<string, number>, window: number): Promise<SourceProgress[]> {
    return progress(this.#read, from, window);
  }

  async lowestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    return lowestSeqs(this.#read, from);
  }

  async readEvents(sourceId: string, from: number, to: number, maxBytes: number): Promise<StoredEvent[]> {
    return readEvents(this.#read, sourceId, from, to, maxBytes);
  }

  async lastCheckpoint(): Promise<Pick<CheckpointRow, 'round' | 'tree_size' | 'root_hash'> | null> {
    const [last] = await this.query<Pick<CheckpointRow, 'round' | 'tree_size' | 'root_hash'>>(
      'SELECT round, tree_size, root_hash FROM ledger.checkpoints ORDER BY round DESC LIMIT 1',
    );
    return last ?? null;
  }

  async query<T>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
    return this.#select(this.#client, sql, params);
  }

  async #select<T>(
    client: ClickHouseClient,
    sql: string,
    params: Readonly<Record<string, unknown>>,
    settings: ClickHouseSettings = {},
  ): Promise<T[]> {
    try {
      const result = await client.query({ query: sql, query_params: { ...params }, format: 'JSONEachRow', clickhouse_settings: settings });
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

  async #command(client: ClickHouseClient, statement: string, action: string): Promise<void> {
    try {
      for (const query of statementFor(this.#flavour, statement)) await client.command({ query });
    } catch (error) {
      throw engineError(error, action, 'engine_failed');
    }
  }

  async #insert<T>(token: string, format: RowFormat<T>, rows: readonly T[], client = this.#client): Promise<void> {
    const query = `INSERT INTO ${format.table} (${format.columns.join(', ')}) FORMAT RowBinary`;
    const quorum = this.#flavour.kind === 'cluster' ? QUORUM_SETTINGS : {};
    const settings = { ...INSERT_SETTINGS, ...quorum, insert_deduplication_token: token };
    const chunks = this.#chunks.open();
    try {
      const values = Readable.from(encodeRows(format, rows, chunks), { objectMode: false });
      const { stream } = await client.exec({ query, values, clickhouse_settings: settings });
      for await (const chunk of stream) void chunk;
      // The engine has read it all: it answers at the end.
      chunks.giveBack();
    } catch (error) {
      throw engineError(error, `An insert into ${format.table}`, 'ledger_conflict');
    }
  }

  /** One digest answers for a batch; only where it differs (rows of another batch in between, or a wrong one) row is compared with row. */
  async #confirmEvents(token: string, partition: string, rows: readonly EventRow[]): Promise<void> {
    const sorted = rows.toSorted((a, b) => a.log_offset - b.log_offset);
    const from = sorted[0]?.log_offset ?? 0;
    const to = sorted.at(-1)?.log_offset ?? 0;
    const hash = createHash('sha256');
    for (const row of sorted) hash.update(row.payload_hash);
    const held = await this.logDigest({ partition, from, to, except: [], sources: sourcesOf(rows) });
    if (held.count === rows.length && held.digest === hash.digest('hex')) return;
    const places = await this.query<{ place: number; hash: string; times: number }>(
      `SELECT log_offset AS place, lower(hex(any(payload_hash))) AS hash, count() AS times FROM ledger.events
       WHERE log_partition = {partition:String} AND log_offset BETWEEN {from:UInt64} AND {to:UInt64} GROUP BY place`,
      { partition, from, to },
    );
    const byPlace = new Map(places.map((row) => [row.place, row]));
    for (const row of sorted) {
      const found = byPlace.get(row.log_offset);
      if (found?.hash === row.payload_hash.toString('hex') && found.times === 1) continue;
      const what = found === undefined ? 'does not hold' : found.times > 1 ? 'holds more than once' : 'holds another event as';
      throw new AffiantError('ledger_conflict', `After token ${token} the ledger ${what} source ${row.source_id}, seq ${row.seq}.`);
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

function groupByPartition(rows: readonly EventRow[]): Map<string, EventRow[]> {
  const groups = new Map<string, EventRow[]>();
  for (const row of rows) {
    const group = groups.get(row.log_partition);
    if (group === undefined) groups.set(row.log_partition, [row]);
    else group.push(row);
  }
  return groups;
}

function sourcesOf(rows: readonly EventRow[]): SourceRange[] {
  const ranges = new Map<string, { source_id: string; from: number; to: number }>();
  for (const { source_id, seq } of rows) {
    const range = ranges.get(source_id);
    if (range === undefined) ranges.set(source_id, { source_id, from: seq, to: seq });
    else {
      range.from = Math.min(range.from, seq);
      range.to = Math.max(range.to, seq);
    }
  }
  return [...ranges.values()];
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
