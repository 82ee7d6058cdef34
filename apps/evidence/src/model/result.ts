import { createHash } from 'node:crypto';
import { AffiantError } from '#errors';

/** Exact: integers beyond 2^53 stay decimal text; everything else that is no integer is text. */
export type Cell = string | number | null;

/** One query as it was run: literal text, complete result. */
export interface QueryRun {
  readonly id: string;
  readonly title: string;
  /** With literal values: can be pasted into the SQL endpoint as it stands. */
  readonly sql: string;
  /** Hex SHA-256 of `sql`. */
  readonly sql_sha256: string;
  readonly columns: readonly string[];
  /** The complete result; empty when it stands in an exhibit alone. */
  readonly rows: readonly (readonly Cell[])[];
  readonly row_count: number;
  /** Attachment that holds the rows, one JSON object per line. */
  readonly exhibit: string | null;
  /** Hex SHA-256 of columns and rows (`resultDigest`). */
  readonly result_sha256: string;
}

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Digest of a result: columns and rows as JSON. */
export function resultDigest(result: QueryResult): string {
  return sha256Hex(JSON.stringify({ columns: result.columns, rows: result.rows }));
}

/** ClickHouse FORMAT JSONCompact (64-bit integers quoted or not) -> cells. */
export function fromJsonCompact(body: {
  readonly meta: readonly { readonly name: string; readonly type: string }[];
  readonly data: readonly (readonly unknown[])[];
}): QueryResult {
  const integer = body.meta.map(({ type }) => /^(Nullable\()?(U?Int\d+|Bool)\)?$/.test(type));
  return {
    columns: body.meta.map(({ name }) => name),
    rows: body.data.map((row) => row.map((value, index) => cell(value, integer[index] === true))),
  };
}

function cell(value: unknown, integer: boolean): Cell {
  if (value === null || value === undefined) return null;
  if (integer) {
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw new AffiantError('engine_failed', 'an integer of a result came rounded');
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Named access to results, for the judge and the pages. */
export class Results {
  readonly #runs: ReadonlyMap<string, QueryRun>;

  constructor(runs: readonly QueryRun[]) {
    this.#runs = new Map(runs.map((run) => [run.id, run]));
  }

  has(id: string): boolean {
    return this.#runs.has(id);
  }

  run(id: string): QueryRun {
    const run = this.#runs.get(id);
    if (run === undefined) throw new Error(`no result of query ${id}`);
    return run;
  }

  /** Value of `column` in row `row`; null when the result has no such row. */
  cell(id: string, column: string, row = 0): Cell {
    const run = this.run(id);
    const index = run.columns.indexOf(column);
    if (index < 0) throw new Error(`query ${id} has no column ${column}`);
    return run.rows[row]?.[index] ?? null;
  }

  /** The same as a count; a missing row counts as 0. */
  number(id: string, column: string, row = 0): number {
    return Number(this.cell(id, column, row) ?? 0);
  }

  /** Rows as objects. */
  records(id: string): Readonly<Record<string, Cell>>[] {
    const run = this.run(id);
    return run.rows.map((row) => Object.fromEntries(run.columns.map((column, index) => [column, row[index] ?? null])));
  }
}
