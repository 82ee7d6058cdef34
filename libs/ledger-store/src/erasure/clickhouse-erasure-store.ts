import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { engineError } from '../store/engine-errors.js';
import type { RetentionStoreOptions } from '../retention/clickhouse-retention-store.js';
import type { RowScope } from '../retention/port.js';
import { scopeConditions } from '../retention/scope.js';
import type { ErasureStore, SessionContent } from './port.js';

export type ErasureStoreOptions = Omit<RetentionStoreOptions, 'step'>;

type Params = Readonly<Record<string, unknown>>;

/** Keys of one statement. */
const TOGETHER = 500;
const CARRIES = "event_type IN ('request', 'segment', 'response') AND arrayExists(inline -> inline, segment_inline)";

/** @see ErasureStore, docs/adr/0083-erasure.md */
export class ClickHouseErasureStore implements ErasureStore {
  readonly #client: ClickHouseClient;

  constructor({ url, headers, user, password, flavour, timeoutMs = 600_000 }: ErasureStoreOptions) {
    this.#client = createClient({
      url,
      username: user,
      password,
      http_headers: { ...headers },
      request_timeout: timeoutMs,
      max_open_connections: 2,
      keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
      log: { level: 127 },
      clickhouse_settings: {
        output_format_json_quote_64bit_integers: 0,
        ...(flavour?.kind === 'cluster' ? { select_sequential_consistency: '1' } : {}),
      },
    });
  }

  async contentOf(session: string): Promise<SessionContent> {
    const [row] = await this.#select<SessionContent>(
      `SELECT arraySort(groupUniqArrayIf(content_key, content_key != '')) AS keys, countIf(content_key != '') AS events,
         countIf(content_key = '' AND ${CARRIES}) AS unsealed
       FROM ledger.events WHERE session_id = {session:String} AND session_id != ''`,
      { session },
    );
    return row ?? { keys: [], events: 0, unsealed: 0 };
  }

  async coveredOf(session: string, scope: RowScope): Promise<number> {
    const { sql, params } = scopeConditions(scope);
    const [row] = await this.#select<{ n: number }>(
      `SELECT count() AS n FROM ledger.events WHERE session_id = {erased:String} AND (${sql})`,
      { erased: session, ...params },
    );
    return row?.n ?? 0;
  }

  holdEvents(): Promise<Buffer[]> {
    return this.#events("startsWith(JSONExtractString(data, 'kind'), 'hold.')");
  }

  erasureEvents(): Promise<Buffer[]> {
    return this.#events("JSONExtractString(data, 'kind') = 'erasure.done'");
  }

  async deleteContent(keys: readonly string[]): Promise<number> {
    let rows = 0;
    for (let at = 0; at < keys.length; at += TOGETHER) {
      const part = keys.slice(at, at + TOGETHER);
      const [held] = await this.#select<{ n: number }>(
        'SELECT count() AS n FROM ledger.content WHERE content_key IN {keys:Array(String)}',
        {
          keys: part,
        },
      );
      if ((held?.n ?? 0) === 0) continue;
      rows += held!.n;
      await this.#command('ALTER TABLE ledger.content DELETE WHERE content_key IN {keys:Array(String)} SETTINGS mutations_sync = 2', {
        keys: part,
      });
    }
    return rows;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #events(which: string): Promise<Buffer[]> {
    const rows = await this.#select<{ raw: string }>(
      `SELECT hex(raw) AS raw FROM ledger.events WHERE event_type = 'control' AND ${which} ORDER BY occurred_at, source_id, seq`,
      {},
    );
    return rows.map(({ raw }) => Buffer.from(raw, 'hex'));
  }

  async #select<T>(query: string, params: Params): Promise<T[]> {
    try {
      const result = await this.#client.query({ query, query_params: { ...params }, format: 'JSONEachRow' });
      return await result.json<T>();
    } catch (error) {
      throw engineError(error, 'A look of an erasure', 'engine_failed');
    }
  }

  async #command(query: string, params: Params): Promise<void> {
    try {
      await this.#client.command({ query, query_params: { ...params } });
    } catch (error) {
      throw engineError(error, 'A step of an erasure', 'engine_failed');
    }
  }
}
