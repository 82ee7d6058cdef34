import { bindQuery, type QueryBinding } from '../catalog/bind.js';
import type { Catalogue } from '../catalog/catalogue.js';
import type { QueryTemplate } from '../catalog/control.js';
import { resultDigest, sha256Hex, type Cell, type QueryRun } from '../model/result.js';
import type { QueryRunner } from './query-runner.js';

/** Queries at the engine at the same time. */
const PARALLEL = 2;

/** Results of these queries stand in an exhibit, not in packet.json. */
export const EXHIBIT_ONLY: Readonly<Record<string, string>> = { 'population-sample': 'exhibits/population.ndjson' };

export interface Collected {
  readonly runs: readonly QueryRun[];
  /** Rows of the runs that stand in an exhibit alone, by query id. */
  readonly exhibitRows: ReadonlyMap<string, readonly (readonly Cell[])[]>;
}

/** Runs every query of the catalogue over the pinned snapshot, then the lists of those exceptions that exist. */
export async function runQueries(
  runner: QueryRunner,
  catalogue: Catalogue,
  binding: QueryBinding,
  onProgress: (done: number, of: number) => void,
): Promise<Collected> {
  const exhibitRows = new Map<string, readonly (readonly Cell[])[]>();
  const one = async (query: QueryTemplate): Promise<QueryRun> => {
    const sql = bindQuery(query.sql, binding);
    const result = await runner.run(sql);
    const exhibit = EXHIBIT_ONLY[query.id] ?? null;
    if (exhibit !== null) exhibitRows.set(query.id, result.rows);
    return {
      id: query.id,
      title: query.title,
      sql,
      sql_sha256: sha256Hex(sql),
      columns: result.columns,
      rows: exhibit === null ? result.rows : [],
      row_count: result.rows.length,
      exhibit,
      result_sha256: resultDigest(result),
    };
  };
  const runs = await inOrder(catalogue.always, one, onProgress);
  const counted = new Map(runs.map((run) => [run.id, run]));
  const wanted = [...catalogue.exceptionQueries].filter(([check]) => {
    const { exceptions } = catalogue.check(check);
    const run = counted.get(exceptions.query);
    return Number(run?.rows[0]?.[run.columns.indexOf(exceptions.column)] ?? 0) > 0;
  });
  const lists = await inOrder(
    wanted.map(([, query]) => query),
    one,
    () => {},
  );
  return { runs: [...runs, ...lists], exhibitRows };
}

/** A few at a time; results in the order of the input. */
async function inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  onProgress: (done: number, of: number) => void,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
      onProgress(++done, items.length);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  return results;
}
