import { createClient, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client';
import { engineError } from './engine-errors.js';
import type { Flavour } from './flavour.js';

/** A login of its own for what may take something out of the ledger store (ops/clickhouse/roles.sql). */
export interface MaintenanceOptions {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly user: string;
  readonly password: string;
  readonly flavour?: Flavour;
  readonly timeoutMs?: number;
}

export type Params = Readonly<Record<string, unknown>>;

/**
 * Looks and steps of retention and erasure, which wait long and must see what every replica has.
 * @throws AffiantError engine_failed, from every method
 */
export class MaintenanceClient {
  readonly #client: ClickHouseClient;

  /** `work`: what it is for, in error messages. */
  constructor(
    { url, headers, user, password, flavour, timeoutMs = 600_000 }: MaintenanceOptions,
    private readonly work: string,
  ) {
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

  async select<T>(query: string, params: Params = {}): Promise<T[]> {
    try {
      const result = await this.#client.query({ query, query_params: { ...params }, format: 'JSONEachRow' });
      return await result.json<T>();
    } catch (error) {
      throw engineError(error, `A look of ${this.work}`, 'engine_failed');
    }
  }

  /** Of a query that selects one count as `n`. */
  async count(query: string, params: Params): Promise<number> {
    return (await this.select<{ n: number }>(query, params))[0]?.n ?? 0;
  }

  /** The exact bytes of control events in the order they happened; `which` is a condition on their kind. */
  async controlEvents(which: string): Promise<Buffer[]> {
    const rows = await this.select<{ raw: string }>(
      `SELECT hex(raw) AS raw FROM ledger.events WHERE event_type = 'control' AND ${which} ORDER BY occurred_at, source_id, seq`,
    );
    return rows.map(({ raw }) => Buffer.from(raw, 'hex'));
  }

  /** What holds were placed and released. */
  holdEvents(): Promise<Buffer[]> {
    return this.controlEvents("startsWith(JSONExtractString(data, 'kind'), 'hold.')");
  }

  async command(query: string, params: Params = {}, settings: ClickHouseSettings = {}): Promise<void> {
    try {
      await this.#client.command({ query, query_params: { ...params }, clickhouse_settings: settings });
    } catch (error) {
      throw engineError(error, `A step of ${this.work}`, 'engine_failed');
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
