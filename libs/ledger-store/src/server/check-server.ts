import { AffiantError } from '#errors';
import type { Query } from '../store/event-reads.js';
import { DEDUPLICATION_SECONDS, type Flavour } from '../store/flavour.js';

/** Oldest server whose settings are known (research/ledger.md §2.2). */
const OLDEST = [25, 8];
const LEDGER_TABLES = ['events', 'content', 'leaves', 'leaf_runs', 'checkpoints'];
const LEAST_WINDOW = 10_000;

const MIGRATE = 'Run `affiant ledger migrate --config FILE`; see docs/guide/clickhouse.md.';

/**
 * Asserts what exactly-once rests on: synchronous inserts, deduplication by token with windows longer than an outage, one shard. `inserting` reads
 * under the very settings an insert has.
 * @throws AffiantError config_invalid, engine_failed
 */
export async function checkServer(query: Query, inserting: Query, flavour: Flavour): Promise<void> {
  await checkVersion(query);
  await checkSettings(inserting);
  const tables = await query<{ name: string; engine: string; definition: string }>(
    "SELECT name, engine, engine_full AS definition FROM system.tables WHERE database = 'ledger' AND name IN {tables:Array(String)}",
    { tables: LEDGER_TABLES },
  );
  for (const table of LEDGER_TABLES) {
    const found = tables.find(({ name }) => name === table);
    if (found === undefined) throw refused(`the table ledger.${table} is not there`, MIGRATE);
    checkTable(table, found.engine, found.definition, flavour);
  }
  if (flavour.kind === 'cluster') await checkShards(query, flavour.cluster);
}

async function checkVersion(query: Query): Promise<void> {
  const [row] = await query<{ version: string }>('SELECT version() AS version', {});
  const [major = 0, minor = 0] = (row?.version ?? '').split('.').map(Number);
  if (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!)) {
    throw refused(`ClickHouse ${row?.version} is older than ${OLDEST.join('.')}`, 'Upgrade the server.');
  }
}

/** A profile of the server may forbid or override what an insert asks for. */
async function checkSettings(inserting: Query): Promise<void> {
  const wanted = { async_insert: '0', insert_deduplicate: '1', input_format_parallel_parsing: '0' };
  const held = await inserting<{ name: string; value: string }>(
    'SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}',
    { names: Object.keys(wanted) },
  );
  for (const [name, value] of Object.entries(wanted)) {
    const found = held.find((setting) => setting.name === name)?.value;
    if (found !== value)
      throw refused(`an insert of the writer runs with ${name}=${found ?? 'unknown'}, not ${value}`, 'Change the profile of the writer.');
  }
}

function checkTable(table: string, engine: string, definition: string, { kind }: Flavour): void {
  const replicated = engine.startsWith('Replicated');
  if (replicated !== (kind === 'cluster')) {
    throw refused(`ledger.${table} is ${engine}`, 'Name `clickhouse.cluster` for replicated tables, and only for them.');
  }
  const window = Number(/\b(?:non_)?replicated_deduplication_window = (\d+)/.exec(definition)?.[1] ?? 0);
  if (window < LEAST_WINDOW) throw refused(`ledger.${table} remembers ${window} insert tokens only`, MIGRATE);
  const seconds = Number(/\breplicated_deduplication_window_seconds = (\d+)/.exec(definition)?.[1] ?? 0);
  if (replicated && seconds < DEDUPLICATION_SECONDS)
    throw refused(`ledger.${table} remembers insert tokens for ${seconds} s only`, MIGRATE);
}

async function checkShards(query: Query, cluster: string): Promise<void> {
  const [row] = await query<{ shards: number }>(
    'SELECT uniqExact(shard_num) AS shards FROM system.clusters WHERE cluster = {cluster:String}',
    {
      cluster,
    },
  );
  if (row?.shards !== 1)
    throw refused(`the cluster ${cluster} has ${row?.shards ?? 0} shards, not one`, 'Use a cluster of one shard with several replicas.');
}

function refused(message: string, remedy: string): AffiantError {
  return new AffiantError('config_invalid', message, { remedy });
}
