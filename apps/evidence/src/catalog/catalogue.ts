import type { CheckGroup } from './check.js';
import { ACCESS_CHECKS } from './checks-access.js';
import { DATA_CHECKS } from './checks-data.js';
import { LEDGER_CHECKS } from './checks-ledger.js';
import type { Check, Control, Framework, FrameworkInfo, QueryTemplate } from './control.js';
import { FFIEC, FFIEC_CONTROLS } from './ffiec.js';
import { GATE_QUERIES } from './gate-queries.js';
import { NIST, NIST_CONTROLS } from './nist.js';
import { PAGE_QUERIES } from './page-queries.js';

const DEFINED: readonly CheckGroup[] = [...ACCESS_CHECKS, ...DATA_CHECKS, ...LEDGER_CHECKS];

/** Gate G2 as an examination: its population and exceptions are those of the gate's own queries. */
const LOG_INTEGRITY: Check = {
  id: 'log-integrity',
  population: { label: 'records recomputed', query: 'g2-payloads', column: 'records' },
  exceptions: { label: 'payloads that do not match their digest', query: 'g2-payloads', column: 'wrong_payloads' },
  exceptionRows: null,
  sampleRows: 'g1-sources',
  findingGates: ['G1', 'G2'],
  figures: [
    { label: 'leaves that do not match their hash', query: 'g2-leaves', column: 'wrong_leaves' },
    { label: 'records in the chains', query: 'g2-chain', column: 'records' },
    { label: 'links that do not match', query: 'g2-chain', column: 'wrong_links' },
    { label: 'links over a gap', query: 'g2-chain', column: 'links_over_a_gap' },
  ],
};

const CHECKS = new Map<string, Check>(
  [
    LOG_INTEGRITY,
    ...DEFINED.flatMap(({ checks }) => checks).map((check) =>
      check.id === 'open-exchanges' ? { ...check, findingGates: ['G1' as const] } : check,
    ),
  ].map((check) => [check.id, check]),
);

const QUERIES = new Map<string, QueryTemplate>(
  [...GATE_QUERIES, ...PAGE_QUERIES, ...DEFINED.flatMap(({ queries }) => queries)].map((query) => [query.id, query]),
);

export interface Catalogue {
  readonly framework: FrameworkInfo;
  readonly controls: readonly Control[];
  check(id: string): Check;
  query(id: string): QueryTemplate;
  /** Run for every packet of the framework, in this order. */
  readonly always: readonly QueryTemplate[];
  /** Check -> query that lists its exceptions; run only when the count is not zero. */
  readonly exceptionQueries: ReadonlyMap<string, QueryTemplate>;
}

/** Queries every packet needs for its gates, whatever its controls are. */
const GATE_CHECKS = ['record-fields', 'clock'];

/** The controls of a framework with exactly the queries they need. */
export function catalogueOf(framework: Framework): Catalogue {
  const [info, controls] = framework === 'ffiec' ? [FFIEC, FFIEC_CONTROLS] : [NIST, NIST_CONTROLS];
  const check = (id: string): Check => must(CHECKS, id);
  const query = (id: string): QueryTemplate => must(QUERIES, id);
  const used = [...new Set([...GATE_CHECKS, ...controls.map((control) => control.check)])].map(check);
  const always = [
    ...new Set([
      ...GATE_QUERIES.map(({ id }) => id),
      ...PAGE_QUERIES.map(({ id }) => id),
      ...used.map(({ population }) => population.query),
    ]),
  ];
  return {
    framework: info,
    controls,
    check,
    query,
    always: always.map(query),
    exceptionQueries: new Map(used.flatMap((one) => (one.exceptionRows === null ? [] : [[one.id, query(one.exceptionRows)] as const]))),
  };
}

function must<T>(map: ReadonlyMap<string, T>, id: string): T {
  const value = map.get(id);
  if (value === undefined) throw new Error(`the catalogue has no ${id}`);
  return value;
}
