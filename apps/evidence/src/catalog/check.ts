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
  /** Which records of the group are examined; absent = all. */
  readonly among?: string;
  /** Boolean expression that is true for a record that contradicts the objective. */
  readonly exception: string;
  readonly populationLabel: string;
  readonly exceptionLabel: string;
  /** Columns of the exception list, name -> expression. */
  readonly columns: Readonly<Record<string, string>>;
  readonly orderBy: string;
  /** Further counts, label -> aggregate expression over the whole group. */
  readonly figures?: Readonly<Record<string, string>>;
  /** Shared sample query. */
  readonly sample?: string;
}

export interface CheckGroup {
  readonly checks: readonly Check[];
  readonly queries: readonly QueryTemplate[];
}

/**
 * Examinations of the same records: one query counts for all of them (a ledger of a million exchanges is read once, not ten times), and
 * `<check>-exceptions` lists what it counted. Counts and lists come from one FROM, WHERE and condition, so they cannot drift apart.
 */
export function defineChecks(
  group: { readonly id: string; readonly title: string; readonly from: string; readonly where: string },
  specs: readonly CheckSpec[],
): CheckGroup {
  const alone = specs.length === 1;
  const column = (spec: CheckSpec, name: string): string => (alone ? name : `${columnName(spec.id)}_${name}`);
  const counts = specs.flatMap((spec) => [
    `${spec.among === undefined ? 'count()' : `countIf(${spec.among})`} AS ${column(spec, 'population')}`,
    `countIf(${hit(spec)}) AS ${column(spec, 'exceptions')}`,
    ...Object.entries(spec.figures ?? {}).map(([label, expression]) => `${expression} AS ${column(spec, columnName(label))}`),
  ]);
  return {
    checks: specs.map((spec) => ({
      id: spec.id,
      population: { label: spec.populationLabel, query: group.id, column: column(spec, 'population') },
      exceptions: { label: spec.exceptionLabel, query: group.id, column: column(spec, 'exceptions') },
      exceptionRows: `${spec.id}-exceptions`,
      sampleRows: spec.sample ?? null,
      figures: Object.keys(spec.figures ?? {}).map((label) => ({ label, query: group.id, column: column(spec, columnName(label)) })),
    })),
    queries: [
      { id: group.id, title: group.title, sql: `SELECT\n  ${counts.join(',\n  ')}\nFROM ${group.from}\nWHERE ${group.where}` },
      ...specs.map((spec) => ({
        id: `${spec.id}-exceptions`,
        title: `${spec.title}: exceptions`,
        sql: `SELECT ${list(spec.columns)}\nFROM ${group.from}\nWHERE ${group.where}\n  AND ${hit(spec)}\nORDER BY ${spec.orderBy}\nLIMIT ${EXCEPTION_ROWS}`,
      })),
    ],
  };
}

const hit = ({ among, exception }: CheckSpec): string => (among === undefined ? `(${exception})` : `(${among}) AND (${exception})`);

const list = (columns: Readonly<Record<string, string>>): string =>
  Object.entries(columns)
    .map(([name, expression]) => (name === expression ? name : `${expression} AS ${name}`))
    .join(', ');

/** An examination with a query of its own. */
export function defineCheck({ from, where, ...spec }: CheckSpec & { readonly from: string; readonly where: string }): CheckGroup {
  return defineChecks({ id: spec.id, title: spec.title, from, where }, [spec]);
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
