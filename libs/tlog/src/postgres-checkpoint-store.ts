import pg from 'pg';
import { AffiantError, isAffiantError } from '#errors';
import type { CheckpointStore, SealedState } from './port.js';
import { parseSealedState } from './sealed-state.js';

export interface PostgresCheckpointStoreOptions {
  /** postgres://user:password@host/database */
  readonly url: string;
  /** Names the row: the origin of the log. */
  readonly log: string;
  /** Bound of one statement, milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

const TABLE = `CREATE TABLE IF NOT EXISTS ledger_sealed_state (
  log text PRIMARY KEY, state text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now())`;

/** Serialises making the table: two services that start at once would else both try. */
const TABLE_LOCK = 4_715_220_918;

/**
 * The sealed state as a row of PostgreSQL: compare-and-swap over any number of processes and hosts, which is what fences sequencers.
 * One statement swaps; the server answers when the change is on its disk (synchronous_commit) and, where it has synchronous standbys, on theirs.
 * A connection that breaks before the answer leaves the old state or the new one; the sequencer fetches and looks.
 */
export class PostgresCheckpointStore implements CheckpointStore {
  readonly #pool: pg.Pool;
  readonly #log: string;
  #prepared: Promise<void> | null = null;

  constructor({ url, log, timeoutMs = 10_000 }: PostgresCheckpointStoreOptions) {
    this.#log = log;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 2,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      statement_timeout: timeoutMs,
      application_name: 'affiant sealed state',
      options: '-c synchronous_commit=on',
    });
    // An idle connection that breaks must not end the process; the next call finds out.
    this.#pool.on('error', () => undefined);
  }

  /** @throws AffiantError ledger_conflict when the row is damaged; catalogue_failed when the server does not answer */
  async fetch(): Promise<SealedState | null> {
    await this.#prepare();
    const { rows } = await this.#run<{ state: string }>('SELECT state FROM ledger_sealed_state WHERE log = $1', [this.#log]);
    return rows[0] === undefined ? null : parseSealedState(rows[0].state, `row ${this.#log} of ledger_sealed_state`);
  }

  async replace(old: SealedState | null, next: SealedState): Promise<void> {
    await this.#prepare();
    const state = canonical(next);
    const swap =
      old === null
        ? this.#run('INSERT INTO ledger_sealed_state (log, state) VALUES ($1, $2) ON CONFLICT DO NOTHING', [this.#log, state])
        : this.#run('UPDATE ledger_sealed_state SET state = $2, changed_at = now() WHERE log = $1 AND state = $3', [
            this.#log,
            state,
            canonical(old),
          ]);
    if ((await swap).rowCount !== 1)
      throw new AffiantError('ledger_conflict', 'the sealed state was changed by someone else', { where: this.#log });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #prepare(): Promise<void> {
    this.#prepared ??= this.#makeTable();
    await this.#prepared.catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
  }

  async #makeTable(): Promise<void> {
    const { rows } = await this.#run<{ table: string | null; fsync: string }>(
      "SELECT to_regclass('ledger_sealed_state')::text AS table, current_setting('fsync') AS fsync",
      [],
    );
    if (rows[0]?.fsync !== 'on')
      throw new AffiantError('catalogue_failed', 'PostgreSQL runs with fsync off: it would lose the sealed state');
    if (rows[0].table !== null) return;
    await this.#run(`DO $$ BEGIN PERFORM pg_advisory_xact_lock(${TABLE_LOCK}); ${TABLE}; END $$`, []);
  }

  async #run<T extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<pg.QueryResult<T>> {
    try {
      return await this.#pool.query<T>(text, [...values]);
    } catch (cause) {
      throw isAffiantError(cause)
        ? cause
        : new AffiantError('catalogue_failed', 'the sealed state in PostgreSQL cannot be reached', { cause });
    }
  }
}

/** One text per state, whatever the order of its keys: the swap compares texts. */
function canonical(state: SealedState): string {
  return JSON.stringify(sorted(state));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
