import type { Instance } from '../instance.js';

/** One exchange of the past, as the ledger has it. */
export interface PastExchange {
  readonly exchange_id: string;
  readonly session_id: string;
  readonly connection: string;
  readonly protocol: string;
  readonly method: string;
  readonly path: string;
  readonly principal_issuer: string;
  readonly principal_subject: string;
  readonly principal_kind: string;
  readonly principal_groups: readonly string[];
  /** Strongest verdict that was recorded; empty when there is none. */
  readonly verdict: string;
}

/** Masked bodies of one exchange; null when the ledger has none whole. */
export interface PastBodies {
  readonly request: Buffer | null;
  readonly response: Buffer | null;
}

export interface Period {
  /** UTC, as ClickHouse reads it with parseDateTime64BestEffort. */
  readonly from: string;
  readonly to: string;
  readonly connection?: string;
  /** Newest exchanges that are read at most. */
  readonly limit: number;
}

/** Bodies are put together from what their session sent, so they are asked for by session; exchanges without one, and those that share a day, this many at a time. */
const LONE = 50;

const EXCHANGES = `
SELECT exchange_id, session_id, connection, protocol, method, path, principal_issuer, principal_subject, principal_kind, principal_groups,
    multiIf(has(v.all, 'block'), 'block', has(v.all, 'hold'), 'hold', has(v.all, 'mask'), 'mask', has(v.all, 'allow'), 'allow', '') AS verdict
FROM audit.exchanges AS x
LEFT ANY JOIN (SELECT exchange_id, groupUniqArray(toString(verdict)) AS all FROM audit.decisions WHERE kind = 'verdict' GROUP BY exchange_id) AS v
    USING (exchange_id)
WHERE started_at >= parseDateTime64BestEffort({from:String}, 6, 'UTC') AND started_at < parseDateTime64BestEffort({to:String}, 6, 'UTC')
    AND ({connection:String} = '' OR connection = {connection:String})
ORDER BY started_at DESC, exchange_id DESC
LIMIT {limit:UInt32}
FORMAT JSONEachRow`;

const BODIES = `
SELECT exchange_id, direction, base64Encode(body) AS body
FROM audit.bodies
WHERE session_id = {session:String} AND exchange_id IN {exchanges:Array(String)} AND resolved AND complete
FORMAT JSONEachRow`;

/** Reads the past through the SQL endpoint, as the caller: row filters, quotas and the record of each query are theirs. */
export class History {
  constructor(private readonly instance: Instance) {}

  /** Newest first. @throws AffiantError query_failed, query_refused */
  exchanges({ from, to, connection = '', limit }: Period): Promise<PastExchange[]> {
    return this.#rows(EXCHANGES, { from, to, connection, limit: String(limit) });
  }

  /** Exchanges with their bodies, session by session. @throws AffiantError query_failed, query_refused */
  async *withBodies(exchanges: readonly PastExchange[]): AsyncGenerator<{ readonly exchange: PastExchange; readonly bodies: PastBodies }> {
    for (const group of bySession(exchanges)) {
      const names = `[${group.map(({ exchange_id }) => `'${exchange_id.replace(/[^\w-]/g, '')}'`).join()}]`;
      const rows = await this.#rows<{ exchange_id: string; direction: string; body: string }>(BODIES, {
        session: group[0]!.session_id,
        exchanges: names,
      });
      const found = new Map(rows.map((row) => [`${row.exchange_id} ${row.direction}`, Buffer.from(row.body, 'base64')]));
      for (const exchange of group) {
        const body = (direction: string): Buffer | null => found.get(`${exchange.exchange_id} ${direction}`) ?? null;
        yield { exchange, bodies: { request: body('request'), response: body('response') } };
      }
    }
  }

  async #rows<T>(sql: string, parameters: Readonly<Record<string, string>>): Promise<T[]> {
    const query = new URLSearchParams(Object.entries(parameters).map(([name, value]): [string, string] => [`param_${name}`, value]));
    const response = await this.instance.send(`/sql?${query.toString()}`, { method: 'POST', body: sql });
    return (await response.text())
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  }
}

function bySession(exchanges: readonly PastExchange[]): PastExchange[][] {
  const sessions = new Map<string, PastExchange[]>();
  for (const exchange of exchanges) {
    const group = sessions.get(exchange.session_id);
    if (group === undefined) sessions.set(exchange.session_id, [exchange]);
    else group.push(exchange);
  }
  return [...sessions].flatMap(([session, group]) => (session === '' || session.startsWith('day:') ? chunks(group, LONE) : [group]));
}

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
