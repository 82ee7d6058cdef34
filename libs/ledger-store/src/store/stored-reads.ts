import type { SourceProgress, StoredEvent } from '../stored-log/port.js';
import { isPlace } from '../stored-log/port.js';
import type { Query } from './event-reads.js';
import { conditions } from './ranges.js';

const NO_END = Number.MAX_SAFE_INTEGER;

/** @see StoredEvents.eventCount: from the engine's bookkeeping, so that neither the size of the table nor a row policy makes it dear. */
export async function eventCount(query: Query): Promise<number> {
  const [row] = await query<{ events: number }>(
    "SELECT sum(rows) AS events FROM system.parts WHERE database = 'ledger' AND table = 'events' AND active",
    {},
  );
  return row?.events ?? 0;
}

/** @see StoredEvents.otherSources */
export async function otherSources(query: Query, known: readonly string[]): Promise<string[]> {
  const rows = await query<{ source: string }>(
    'SELECT DISTINCT toString(source_id) AS source FROM ledger.events WHERE source_id NOT IN {known:Array(String)}',
    { known: ['', ...known] },
  );
  return rows.map(({ source }) => source);
}

/** @see StoredEvents.progress */
export async function progress(query: Query, from: ReadonlyMap<string, number>, window: number): Promise<SourceProgress[]> {
  const found: SourceProgress[] = [];
  const dense = [...from].filter(([source]) => !isPlace(source));
  for (const { sql, params } of conditions(dense.map(([source_id, seq]) => ({ source_id, from: seq, to: seq + window - 1 })))) {
    const rows = await query<{ source: string; end: number }>(
      // The n-th seq from the first on is where it should be exactly as long as none before it is missing.
      `SELECT source, maxIf(seq + 1, seq = begin + place - 1) AS end
       FROM (SELECT toString(source_id) AS source, seq, transform(source, {sources:Array(String)}, {begins:Array(UInt64)}, 0) AS begin,
                    row_number() OVER (PARTITION BY source ORDER BY seq) AS place
             FROM ledger.events WHERE ${sql})
       GROUP BY source HAVING end > 0`,
      { ...params, sources: dense.map(([source]) => source), begins: dense.map(([, seq]) => seq) },
    );
    for (const { source, end } of rows) found.push({ source_id: source, end });
  }
  const places = [...from].filter(([source]) => isPlace(source));
  for (const { sql, params } of conditions(places.map(([source_id, seq]) => ({ source_id, from: seq, to: NO_END })))) {
    const rows = await query<{ source: string; end: number }>(
      `SELECT toString(source_id) AS source, max(seq) + 1 AS end FROM ledger.events WHERE ${sql} GROUP BY source`,
      params,
    );
    for (const { source, end } of rows) found.push({ source_id: source, end });
  }
  return found;
}

/** @see StoredEvents.lowestSeqs */
export async function lowestSeqs(query: Query, from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const lowest = new Map<string, number>();
  for (const { sql, params } of conditions([...from].map(([source_id, seq]) => ({ source_id, from: seq, to: NO_END })))) {
    const rows = await query<{ source: string; lowest: number }>(
      `SELECT toString(source_id) AS source, min(seq) AS lowest FROM ledger.events WHERE ${sql} GROUP BY source`,
      params,
    );
    for (const row of rows) lowest.set(row.source, row.lowest);
  }
  return lowest;
}

/** @see StoredEvents.readEvents. The end is found by the lengths alone, which are a column of their own; then only these rows' bytes are read. */
export async function readEvents(query: Query, sourceId: string, from: number, to: number, maxBytes: number): Promise<StoredEvent[]> {
  const rows = await query<{ seq: number; topic: string; value: string }>(
    `WITH
       (SELECT max(seq) FROM
         (SELECT seq, sum(length(raw)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS bytes, row_number() OVER (ORDER BY seq) AS place
          FROM ledger.events WHERE source_id = {source:String} AND seq BETWEEN {from:UInt64} AND {to:UInt64})
        WHERE bytes <= {bytes:UInt64} OR place = 1) AS last
     SELECT seq, toString(topic) AS topic, base64Encode(raw) AS value FROM ledger.events
     WHERE source_id = {source:String} AND seq BETWEEN {from:UInt64} AND last AND seq <= {to:UInt64} ORDER BY seq`,
    { source: sourceId, from, to, bytes: maxBytes },
  );
  return rows.map(({ seq, topic, value }) => ({ seq, topic, value: Buffer.from(value, 'base64') }));
}
