import { catalogueOf, type Catalogue } from '../../catalog/catalogue.js';
import type { ColumnSpec, TableBlock } from '../blocks.js';
import type { PacketModel } from '../../model/packet.js';
import { Results, type Cell } from '../../model/result.js';

/** What every page composer reads: the model, named results, and the catalogue of the framework. */
export interface Context {
  readonly model: PacketModel;
  readonly results: Results;
  readonly catalogue: Catalogue;
  /** Hex SHA-256 of packet.json, printed on the cover. */
  readonly contentDigest: string;
}

export function contextOf(model: PacketModel, contentDigest: string): Context {
  return { model, results: new Results(model.runs), catalogue: catalogueOf(model.framework), contentDigest };
}

/** Numbers as printed: digits only, so that they can be compared with the query's answer letter by letter. */
export function show(cell: Cell): string {
  return cell === null ? '—' : String(cell);
}

/** ISO instant with the fraction that matters. */
export const shortInstant = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;

/** Where a printed number comes from. */
export const queryMark = (query: string, column?: string): string => (column === undefined ? `[${query}]` : `[${query}: ${column}]`);

export interface ResultColumn {
  readonly column: string;
  readonly label: string;
  readonly weight?: number;
  readonly align?: 'left' | 'right';
  readonly mono?: boolean;
}

/** A result as a table. More rows than `limit` are counted, not shown. */
export function resultTable(context: Context, query: string, columns: readonly ResultColumn[], limit = 60): TableBlock {
  const run = context.results.run(query);
  const specs: ColumnSpec[] = columns.map(({ label, weight = 1, align = 'left', mono = false }) => ({ label, weight, align, mono }));
  const indexes = columns.map(({ column }) => {
    const index = run.columns.indexOf(column);
    if (index < 0) throw new Error(`query ${query} has no column ${column}`);
    return index;
  });
  const rows = run.rows.slice(0, limit).map((row) => indexes.map((index) => show(row[index] ?? null)));
  const cut = run.rows.length > limit ? `; first ${limit} of ${run.rows.length} rows` : '';
  return {
    t: 'table',
    caption: `${run.title} ${queryMark(query)}${cut}`,
    columns: specs,
    rows: rows.length > 0 ? rows : [columns.map((_, index) => (index === 0 ? 'none' : ''))],
    rowHeaders: true,
  };
}

/** Any result with its own column names; columns share the width by what stands in them. */
export function plainResultTable(context: Context, query: string, limit: number): TableBlock {
  const run = context.results.run(query);
  const shown = run.rows.slice(0, limit);
  const table = resultTable(
    context,
    query,
    run.columns.map((column, index) => {
      const numeric = shown.length > 0 && shown.every((row) => typeof row[index] === 'number');
      const label = column.replaceAll('_', ' ');
      return {
        column,
        label,
        weight: contentWeight(
          label,
          shown.map((row) => show(row[index] ?? null)),
        ),
        mono: /(_id|digest)$/.test(column),
        align: numeric ? ('right' as const) : ('left' as const),
      };
    }),
    limit,
  );
  return { ...table, rowHeaders: table.columns[0]?.align !== 'right' };
}

/** Least the longest word, most a readable line; long texts wrap. */
function contentWeight(label: string, cells: readonly string[]): number {
  const longestWord = Math.max(
    ...label.split(' ').map(({ length }) => length + 1),
    ...cells.flatMap((cell) => cell.split(' ').map(({ length }) => Math.min(length, 20))),
  );
  const longestCell = Math.max(0, ...cells.map(({ length }) => length));
  return Math.max(4, longestWord, Math.min(longestCell, 30)) + 2;
}
