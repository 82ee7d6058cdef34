import type { Check, QueryTemplate } from './control.js';

/** Rows of exceptions that are listed; the count beside them is never cut. */
export const EXCEPTION_ROWS = 1000;

/** Records of the snapshot: what has a leaf below the pinned tree size. */
export const at = (view: string): string => `audit.${view}_at(tree_size = {tree_size})`;

export const inPeriod = (column: string): string => `${column} >= {from} AND ${column} < {to}`;

/** Text of an instant with microseconds, the same on every client. */
export const instant = (column: string): string => `formatDateTime(${column}, '%Y-%m-%d %H:%i:%S.%f', 'UTC')`;

export interface CheckSpec {
  readonly id: string;
  readonly title: string;
  readonly from: string;
  readonly where: string;
  /** Boolean expression that is true for a record that contradicts the objective. */
  readonly exception: string;
  readonly populationLabel: string;
  readonly exceptionLabel: string;
  /** Columns of the exception list, name -> expression. */
  readonly columns: Readonly<Record<string, string>>;
  readonly orderBy: string;
  /** Further counts, label -> aggregate expression. */
  readonly figures?: Readonly<Record<string, string>>;
  /** Shared sample query. */
  readonly sample?: string;
}

export interface CheckQueries {
  readonly check: Check;
  readonly queries: readonly QueryTemplate[];
}

/**
 * One examination from one FROM/WHERE: the counts and the list of exceptions cannot drift apart.
 * Gives `<id>` (one row: population, exceptions, figures) and `<id>-exceptions` (the rows).
 */
export function defineCheck(spec: CheckSpec): CheckQueries {
  const figures = Object.entries(spec.figures ?? {});
  const extra = figures.map(([label, expression]) => `,\n  ${expression} AS ${columnName(label)}`).join('');
  const columns = Object.entries(spec.columns)
    .map(([name, expression]) => (name === expression ? name : `${expression} AS ${name}`))
    .join(', ');
  const rows = `${spec.id}-exceptions`;
  return {
    check: {
      id: spec.id,
      population: { label: spec.populationLabel, query: spec.id, column: 'population' },
      exceptions: { label: spec.exceptionLabel, query: spec.id, column: 'exceptions' },
      exceptionRows: rows,
      sampleRows: spec.sample ?? null,
      figures: figures.map(([label]) => ({ label, query: spec.id, column: columnName(label) })),
    },
    queries: [
      {
        id: spec.id,
        title: spec.title,
        sql: `SELECT\n  count() AS population,\n  countIf(${spec.exception}) AS exceptions${extra}\nFROM ${spec.from}\nWHERE ${spec.where}`,
      },
      {
        id: rows,
        title: `${spec.title}: exceptions`,
        sql: `SELECT ${columns}\nFROM ${spec.from}\nWHERE ${spec.where}\n  AND (${spec.exception})\nORDER BY ${spec.orderBy}\nLIMIT ${EXCEPTION_ROWS}`,
      },
    ],
  };
}

const columnName = (label: string): string => label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');

/** Columns that name an exchange in a list. */
export const EXCHANGE_COLUMNS = {
  exchange_id: 'exchange_id',
  started: instant('started_at'),
  connection: 'connection',
  principal: 'principal_subject',
  verdict: 'verdict',
  outcome: 'outcome',
  leaf_index: 'request_leaf_index',
} as const;

export const CONTROL_COLUMNS = {
  event_id: 'event_id',
  occurred: instant('occurred_at'),
  kind: 'kind',
  outcome: 'outcome',
  subject: 'subject',
  principal: 'principal_subject',
  leaf_index: 'leaf_index',
} as const;

export const APPROVAL_COLUMNS = {
  approval_id: 'approval_id',
  exchange_id: 'exchange_id',
  requested: instant('requested_at'),
  requester: 'requester_subject',
  decided_by: "arrayStringConcat(deciders, ', ')",
  state: 'state',
  policy: "arrayStringConcat(policies, ', ')",
} as const;
