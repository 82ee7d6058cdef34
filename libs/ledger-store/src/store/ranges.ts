import type { SourceRange } from '../port.js';

/** Sources of one query: more make its text long and its plan slow. */
const PER_QUERY = 100;

export interface Condition {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Conditions over source_id and seq, as few queries as the bound allows. By source, because a part holds young and old sources side by side:
 * one range of seqs over all of them would read everything in between.
 */
export function conditions(ranges: readonly SourceRange[]): Condition[] {
  const all: Condition[] = [];
  for (let at = 0; at < ranges.length; at += PER_QUERY) {
    const params: Record<string, unknown> = {};
    const sql = ranges.slice(at, at + PER_QUERY).map(({ source_id, from, to }, index) => {
      params[`source${index}`] = source_id;
      params[`from${index}`] = from;
      params[`to${index}`] = to;
      return `(source_id = {source${index}:String} AND seq BETWEEN {from${index}:UInt64} AND {to${index}:UInt64})`;
    });
    all.push({ sql: `(${sql.join(' OR ')})`, params });
  }
  return all;
}
