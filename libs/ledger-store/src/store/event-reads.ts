import type { HeldEvent, LogRange, RangeDigest } from '../port.js';
import { conditions, type Condition } from './ranges.js';

/** Runs a read with bound parameters. */
export type Query = <T>(sql: string, params: Readonly<Record<string, unknown>>) => Promise<T[]>;

const DIGEST = 'SELECT count() AS count, lower(hex(SHA256(unhex(arrayStringConcat(groupArray(hash)))))) AS digest FROM';

/** @see LedgerStore.logDigest */
export async function logDigest(query: Query, { partition, from, to, except, sources }: LogRange): Promise<RangeDigest> {
  // Usually one source or a few. Where they are too many for one query, the range of offsets alone must do.
  const [only, ...more] = conditions(sources);
  const within: Condition = only === undefined || more.length > 0 ? { sql: 'true', params: {} } : only;
  const left = except.length === 0 ? '' : ' AND log_offset NOT IN {except:Array(UInt64)}';
  const rows = await query<RangeDigest>(
    `${DIGEST} (SELECT hex(payload_hash) AS hash FROM ledger.events
       WHERE log_partition = {partition:String} AND log_offset BETWEEN {offset:UInt64} AND {last:UInt64} AND ${within.sql}${left}
       ORDER BY log_offset)`,
    { ...within.params, partition, offset: from, last: to, ...(except.length === 0 ? {} : { except }) },
  );
  return rows[0] ?? { count: 0, digest: '' };
}

/** @see LedgerStore.heldEvents */
export async function heldEvents(query: Query, ranges: LogRange['sources']): Promise<HeldEvent[]> {
  const held: HeldEvent[] = [];
  for (const { sql, params } of conditions(ranges)) {
    const rows = await query<{ source: string; seq: number; hash: string }>(
      `SELECT toString(source_id) AS source, seq, lower(hex(payload_hash)) AS hash FROM ledger.events WHERE ${sql}`,
      params,
    );
    for (const { source, seq, hash } of rows) held.push({ source_id: source, seq, payload_hash: hash });
  }
  return held;
}

/** Above every seq there can be. */
const NO_END = Number.MAX_SAFE_INTEGER;

/** @see LedgerStore.highestSeqs */
export async function highestSeqs(query: Query, from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const highest = new Map<string, number>();
  for (const { sql, params } of conditions([...from].map(([source_id, seq]) => ({ source_id, from: seq, to: NO_END })))) {
    const rows = await query<{ source: string; top: number }>(
      `SELECT toString(source_id) AS source, max(seq) AS top FROM ledger.events WHERE ${sql} GROUP BY source`,
      params,
    );
    for (const { source, top } of rows) highest.set(source, top);
  }
  return highest;
}
