import type { LedgerStore } from '#ledger-store';
import { STOP_KINDS, type Answer, type EpochSpan, type OpenRequest, type SeqRange, type Trail } from './trail.js';

/** Sources of one query: more make its text long and its plan slow. */
const PER_QUERY = 100;
/** Ids of one query. */
const IDS = 2_000;

/** Reads it from ledger.events, by the typed columns. Whole numbers come as text or as numbers: the engine's settings decide. */
export class StoredTrail implements Trail {
  constructor(private readonly store: Pick<LedgerStore, 'query'>) {}

  async epochs(ranges: readonly SeqRange[]): Promise<EpochSpan[]> {
    const spans: EpochSpan[] = [];
    for (const some of slices(ranges, PER_QUERY)) {
      const { sql, params } = within(some);
      const rows = await this.store.query<Record<'source' | 'epoch' | 'start' | 'end' | 'since' | 'version' | 'stop', string>>(
        `SELECT toString(source_id) AS source, boot_epoch AS epoch, min(seq) AS start, max(seq) AS end,
                toUnixTimestamp64Micro(argMin(occurred_at, seq)) AS since, toString(argMin(build, seq)) AS version,
                maxIf(seq, event_type = 'control' AND fields.kind IN {stops:Array(String)}) AS stop
         FROM ledger.events WHERE event_type != 'undecodable' AND ${sql}
         GROUP BY source_id, boot_epoch ORDER BY source_id, start`,
        { ...params, stops: [...STOP_KINDS] },
      );
      for (const { source, epoch, start, end, since, version, stop } of rows)
        spans.push({
          source,
          epoch: Number(epoch),
          first: Number(start),
          last: Number(end),
          sinceUs: Number(since),
          build: version,
          stop: Number(stop) === 0 ? null : Number(stop),
        });
    }
    return spans;
  }

  async accounted(): Promise<number> {
    const [row] = await this.store.query<{ size: string | number }>(
      `SELECT max(toUInt64OrZero(fields.attributes.value[indexOf(fields.attributes.name, 'accounted')])) AS size
       FROM ledger.events WHERE event_type = 'control' AND fields.kind = 'ledger.frontier'`,
    );
    return Number(row?.size ?? 0);
  }

  async sizeAt(us: number): Promise<number> {
    const [row] = await this.store.query<{ size: string | number }>(
      'SELECT max(tree_size) AS size FROM ledger.checkpoints WHERE sealed_at <= fromUnixTimestamp64Micro({us:Int64})',
      { us },
    );
    return Number(row?.size ?? 0);
  }

  /** The leaves of a source are in the order of its seqs: its requests among some leaves are those between the first and the last of them. */
  async unanswered(from: number, to: number): Promise<OpenRequest[]> {
    const found = await this.store.query<{ source: string; low: string; high: string }>(
      `SELECT toString(source_id) AS source, min(seq) AS low, max(seq) AS high FROM ledger.leaves
       WHERE leaf_index >= {from:UInt64} AND leaf_index < {to:UInt64} AND substring(leaf, 2, 1) = char(1) GROUP BY source_id ORDER BY source_id`,
      { from, to },
    );
    const open: OpenRequest[] = [];
    const ranges = found.map(({ source, low, high }) => ({ source, from: Number(low), to: Number(high) }));
    for (const some of slices(ranges, PER_QUERY)) {
      const { sql, params } = within(some);
      const requests = `FROM ledger.events WHERE event_type = 'request' AND exchange_id != '' AND ${sql}`;
      const rows = await this.store.query<{ exchange: string; source: string; number: string; at: string }>(
        `SELECT exchange_id AS exchange, toString(source_id) AS source, seq AS number, toUnixTimestamp64Micro(occurred_at) AS at ${requests}
           AND exchange_id NOT IN
             (SELECT exchange_id FROM ledger.events WHERE event_type = 'response' AND exchange_id IN (SELECT exchange_id ${requests}))
         ORDER BY source, number`,
        params,
      );
      for (const { exchange, source, number, at } of rows) open.push({ exchange, source, seq: Number(number), occurredUs: Number(at) });
    }
    return open;
  }

  async answers(exchanges: readonly string[], size: number): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const ids of slices(exchanges, IDS)) {
      const rows = await this.store.query<{ exchange: string; source: string; number: string; result: string }>(
        `SELECT e.exchange_id AS exchange, toString(e.source_id) AS source, e.seq AS number, toString(e.fields.outcome) AS result
         FROM ledger.events AS e ASOF INNER JOIN ledger.leaf_runs AS r ON e.source_id = r.source_id AND e.seq >= r.seq_from
         WHERE e.exchange_id IN {ids:Array(String)} AND e.event_type = 'response'
           AND e.seq <= r.seq_to AND r.index_from + e.seq - r.seq_from < {size:UInt64}
         ORDER BY exchange, number`,
        { ids, size },
      );
      for (const { exchange, source, number, result } of rows) answers.push({ exchange, source, seq: Number(number), outcome: result });
    }
    return answers;
  }
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));
}

/** By source: one range of seqs over all of them would read everything in between. */
function within(ranges: readonly SeqRange[]): { readonly sql: string; readonly params: Readonly<Record<string, unknown>> } {
  const params: Record<string, unknown> = {};
  const sql = ranges.map(({ source, from, to }, index) => {
    Object.assign(params, { [`source${index}`]: source, [`from${index}`]: from, [`to${index}`]: to });
    return `(source_id = {source${index}:String} AND seq BETWEEN {from${index}:UInt64} AND {to${index}:UInt64})`;
  });
  return { sql: `(${sql.join(' OR ')})`, params };
}
