import type { PacketModel } from '../model/packet.js';
import { resultDigest, type QueryResult } from '../model/result.js';

export interface NumbersReport {
  readonly ok: boolean;
  /** Queries run again. */
  readonly queries: number;
  readonly differences: readonly { readonly query: string; readonly printed: string; readonly now: string }[];
}

/**
 * Runs every printed query again and compares the whole result with what the packet holds: every number on a page is a cell of one of
 * these results. `runQuery` may be the SQL endpoint of a live instance (`fromJsonCompact` reads FORMAT JSONCompact).
 */
export async function checkPacketNumbers(
  packetJson: string | Uint8Array,
  runQuery: (sql: string) => Promise<QueryResult>,
): Promise<NumbersReport> {
  const model = JSON.parse(Buffer.from(packetJson).toString('utf8')) as PacketModel;
  const differences: { query: string; printed: string; now: string }[] = [];
  for (const run of model.runs) {
    const result = await runQuery(run.sql);
    const digest = resultDigest(result);
    if (digest === run.result_sha256) continue;
    differences.push({ query: run.id, printed: JSON.stringify(run.rows).slice(0, 400), now: JSON.stringify(result.rows).slice(0, 400) });
  }
  return { ok: differences.length === 0, queries: model.runs.length, differences };
}
