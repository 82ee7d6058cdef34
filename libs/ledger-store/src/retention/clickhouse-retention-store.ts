import type { ClickHouseSettings } from '@clickhouse/client';
import { AffiantError } from '#errors';
import { MaintenanceClient, type MaintenanceOptions, type Params } from '../store/maintenance-client.js';
import { scopeConditions } from './scope.js';
import type { PartitionPart, RetentionStore, RowScope } from './port.js';

interface RetentionStoreOptions extends MaintenanceOptions {
  /** Called before each step of a drop; tests stop there. */
  readonly step?: (name: string) => Promise<void>;
}

/** What is copied is compared by count, never deduplicated: after a crash the same rows are copied again into a table that was emptied. */
const COPY: ClickHouseSettings = { insert_deduplicate: 0, async_insert: 0, wait_end_of_query: 1 };
const QUORUM: ClickHouseSettings = { insert_quorum: 'auto', insert_quorum_parallel: 0 };
const ROUNDS = 20;

const MONTH = 'toYYYYMM(occurred_at) = {partition:UInt32}';
const SEALED = 'seq <= transform(toString(source_id), {sources:Array(String)}, {seqs:Array(UInt64)}, toUInt64(0))';
const GOES = `(event_type IN {types:Array(String)} AND ${SEALED})`;
/** Rows of a partition that are in `there` already, by their identity. */
const NOT_IN = (there: string): string => `(source_id, seq) NOT IN (SELECT source_id, seq FROM ${there} WHERE ${MONTH})`;

/** @see RetentionStore, docs/adr/0082-retention.md */
export class ClickHouseRetentionStore implements RetentionStore {
  readonly #client: MaintenanceClient;
  readonly #cluster: string;
  readonly #copySettings: ClickHouseSettings;
  readonly #step: (name: string) => Promise<void>;

  constructor({ step, ...options }: RetentionStoreOptions) {
    const { flavour } = options;
    this.#cluster = flavour?.kind === 'cluster' ? ` ON CLUSTER \`${flavour.cluster}\`` : '';
    this.#copySettings = flavour?.kind === 'cluster' ? { ...COPY, ...QUORUM } : COPY;
    this.#step = step ?? (async () => undefined);
    this.#client = new MaintenanceClient(options, 'retention');
  }

  async frontiers(): Promise<Record<string, number>> {
    const [last] = await this.#client.select<{ sources: string[]; seqs: number[] }>(
      'SELECT frontier_sources AS sources, frontier_seqs AS seqs FROM ledger.checkpoints ORDER BY round DESC LIMIT 1',
    );
    return Object.fromEntries((last?.sources ?? []).map((source, index) => [source, last?.seqs[index] ?? 0]));
  }

  parts(frontiers: Readonly<Record<string, number>>): Promise<PartitionPart[]> {
    return this.#client.select<PartitionPart>(
      `SELECT toYYYYMM(occurred_at) AS partition, toString(event_type) AS event_type, count() AS rows,
         toUnixTimestamp64Micro(min(occurred_at)) AS first, toUnixTimestamp64Micro(max(occurred_at)) AS last,
         toUnixTimestamp64Micro(max(ingested_at)) AS ingested, countIf(NOT ${SEALED}) AS unsealed
       FROM ledger.events GROUP BY partition, event_type ORDER BY partition, event_type`,
      sealedParams(frontiers),
    );
  }

  holdEvents(): Promise<Buffer[]> {
    return this.#client.holdEvents();
  }

  covered(partition: number, scope: RowScope): Promise<number> {
    const { sql: covers, params } = scopeConditions(scope);
    return this.#client.count(
      `SELECT count() AS n FROM ledger.events WHERE ${MONTH}
         AND ((${covers}) OR (session_id != '' AND session_id IN (SELECT session_id FROM ledger.events WHERE ${covers})))`,
      { partition, ...params },
    );
  }

  async drop(partition: number, types: readonly string[], frontiers: Readonly<Record<string, number>>): Promise<void> {
    const params = { partition, types: [...types], ...sealedParams(frontiers) };
    const left = async (): Promise<number> =>
      this.#client.count(`SELECT count() AS n FROM ledger.events WHERE ${MONTH} AND ${GOES}`, params);
    await this.#client.command(`CREATE TABLE IF NOT EXISTS ledger.kept${this.#cluster} AS ledger.events`);
    // A crash from here on leaves that table, and in it what stays of the partition; while it holds any, it belongs to a drop that must be finished.
    await this.#ownTable(partition);
    for (let round = 1; (await left()) > 0; round += 1) {
      if (round > ROUNDS)
        throw new AffiantError('engine_failed', 'the parts of the partition change all the time', { where: String(partition) });
      // Listed before the copy: whatever a listed part holds was there to be copied, and what comes later is in a part that is not listed.
      const names = await this.#partNames(partition);
      await this.#copy('ledger.events', 'ledger.kept', `NOT ${GOES}`, params);
      const missing = await this.#client.count(
        `SELECT count() AS n FROM ledger.events WHERE ${MONTH} AND NOT ${GOES} AND ${NOT_IN('ledger.kept')}`,
        params,
      );
      if (missing > 0) continue;
      await this.#step('copied');
      for (const name of names) {
        if (!(await this.#dropPart(name))) break;
        await this.#step('dropped a part');
      }
    }
    await this.#copy('ledger.kept', 'ledger.events', 'true', params);
    await this.#step('copied back');
    const lost = await this.#client.count(`SELECT count() AS n FROM ledger.kept WHERE ${MONTH} AND ${NOT_IN('ledger.events')}`, params);
    if (lost > 0) throw new AffiantError('engine_failed', `${lost} rows that stay are not back yet`, { where: String(partition) });
    await this.#client.command(`DROP TABLE IF EXISTS ledger.kept${this.#cluster} SYNC`);
    // A crash here leaves opened content whose events are gone; the same call deletes it.
    if (types.includes('request')) await this.#dropContent(params);
  }

  /** Content is of the same events as those that went: rows of the month up to the frontiers. */
  async #dropContent(params: Params): Promise<void> {
    const goes = `${MONTH} AND ${SEALED}`;
    if ((await this.#client.count(`SELECT count() AS n FROM ledger.content WHERE ${goes}`, params)) > 0)
      await this.#client.command(`ALTER TABLE ledger.content DELETE WHERE ${goes} SETTINGS mutations_sync = 2`, params);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Another partition's rows in there are those of a drop that did not end; the caller finishes that one first. */
  async #ownTable(partition: number): Promise<void> {
    const others = await this.#client.count('SELECT count() AS n FROM ledger.kept WHERE toYYYYMM(occurred_at) != {partition:UInt32}', {
      partition,
    });
    if (others > 0) throw new AffiantError('conflict', 'ledger.kept holds what stays of another partition, whose drop has not ended');
  }

  async #partNames(partition: number): Promise<string[]> {
    const rows = await this.#client.select<{ name: string }>(
      `SELECT name FROM system.parts WHERE database = 'ledger' AND table = 'events' AND active AND partition_id = toString({partition:UInt32}) ORDER BY name`,
      { partition },
    );
    return rows.map(({ name }) => name);
  }

  async #copy(from: string, to: string, which: string, params: Params): Promise<void> {
    await this.#client.command(
      `INSERT INTO ${to} SELECT * FROM ${from} WHERE ${MONTH} AND ${which} AND ${NOT_IN(to)}`,
      params,
      this.#copySettings,
    );
  }

  /** False when a merge has put it into another part: that one must be looked at anew. */
  async #dropPart(name: string): Promise<boolean> {
    const [still] = await this.#client.select(
      `SELECT name FROM system.parts WHERE database = 'ledger' AND table = 'events' AND active AND name = {name:String}`,
      { name },
    );
    if (still === undefined) return false;
    try {
      await this.#client.command(`ALTER TABLE ledger.events DROP PART '${name}'`);
      return true;
    } catch (error) {
      const [after] = await this.#client.select(
        `SELECT name FROM system.parts WHERE database = 'ledger' AND table = 'events' AND active AND name = {name:String}`,
        { name },
      );
      if (after === undefined) return false;
      throw error;
    }
  }
}

const sealedParams = (frontiers: Readonly<Record<string, number>>): Params => {
  // transform() wants at least one pair; no source has an empty name.
  const pairs = Object.entries({ '': 0, ...frontiers });
  return { sources: pairs.map(([source]) => source), seqs: pairs.map(([, seq]) => seq) };
};
