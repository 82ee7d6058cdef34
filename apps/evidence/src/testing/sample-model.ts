import { isoMicro, microsOf } from '#events';
import { bindQuery } from '../catalog/bind.js';
import { catalogueOf } from '../catalog/catalogue.js';
import type { Framework, QueryTemplate } from '../catalog/control.js';
import { judge } from '../judge/judge.js';
import { PACKET_FORMAT, type PacketModel } from '../model/packet.js';
import { resultDigest, Results, sha256Hex, type Cell, type QueryRun } from '../model/result.js';

export interface SampleOptions {
  readonly framework?: Framework;
  /** Query id -> rows that replace the invented ones (as objects; columns follow). */
  readonly rows?: Readonly<Record<string, readonly Readonly<Record<string, Cell>>[]>>;
  readonly days?: number;
  readonly institution?: string;
  readonly note?: string;
  readonly vkey?: string;
  readonly treeSize?: number;
  readonly root?: string;
  readonly origin?: string;
}

const ROOT = 'ab'.repeat(32);

/** A content model by hand: every query of the catalogue has a plausible result. No engine, no log. */
export function sampleModel(options: SampleOptions = {}): PacketModel {
  const framework = options.framework ?? 'ffiec';
  const days = options.days ?? 30;
  const fromUs = microsOf('2026-10-01T00:00:00Z');
  const toUs = fromUs + days * 86_400_000_000;
  const treeSize = options.treeSize ?? 48_211;
  const root = options.root ?? ROOT;
  const binding = { treeSize, fromUs, toUs };
  const catalogue = catalogueOf(framework);
  const run = (query: QueryTemplate): QueryRun => {
    const made = inventedRows(query.id, query.sql, { days, fromUs, treeSize });
    const given = options.rows?.[query.id];
    // One row of counts: what is given replaces single numbers.
    const rows = given?.length === 1 && made.length === 1 ? [{ ...made[0], ...given[0] }] : (given ?? made);
    const columns = rows[0] === undefined ? columnsOf(query.sql) : Object.keys(rows[0]);
    const result = { columns, rows: rows.map((row) => columns.map((column) => row[column] ?? null)) };
    const sql = bindQuery(query.sql, binding);
    return {
      id: query.id,
      title: query.title,
      sql,
      sql_sha256: sha256Hex(sql),
      ...result,
      row_count: rows.length,
      exhibit: null,
      result_sha256: resultDigest(result),
    };
  };
  const always = catalogue.always.map(run);
  const counted = new Results(always);
  const lists = [...catalogue.exceptionQueries].filter(([id]) => {
    const { exceptions } = catalogue.check(id);
    return counted.number(exceptions.query, exceptions.column) > 0;
  });
  const runs = [...always, ...lists.map(([, query]) => run(query))];
  const snapshot = {
    origin: options.origin ?? 'affiant.test/ledger',
    round: 311,
    tree_size: binding.treeSize,
    root_hash: root,
    note:
      options.note ?? `affiant.test/ledger\n${treeSize}\n${Buffer.from(root, 'hex').toString('base64')}\n\n— affiant.test/ledger AAAA\n`,
    vkey: options.vkey ?? 'affiant.test/ledger+00000000+AQ==',
    sealed_at: toUs + 5_000_000,
    frontiers: [
      { source_id: 'gateway', seq: 48_000 },
      { source_id: 'ledger', seq: 211 },
    ],
  };
  const period = { from: isoMicro(fromUs), to: isoMicro(toUs), requested_to: isoMicro(toUs) };
  const integrity = { leaves: treeSize, root_hash: root, note_verified: true, note_error: null };
  const judged = judge(framework, { results: new Results(runs), snapshot, period, integrity, populationSource: null });
  return {
    format: PACKET_FORMAT,
    program: { name: 'affiant', version: '0.1.0' },
    packet_id: `pk-${sha256Hex(framework).slice(0, 24)}`,
    framework,
    institution: options.institution ?? 'Example Savings Bank, N.A.',
    period,
    snapshot,
    engine: { name: 'ClickHouse', version: '26.7.2.1' },
    integrity,
    population_source: null,
    runs,
    ...judged,
    exhibits: [],
    cited: [],
  };
}

/** Names after AS in the outermost SELECT; enough for an empty result of a catalogue query. */
function columnsOf(sql: string): string[] {
  const list = sql.slice(6, sql.search(/\nFROM/));
  let depth = 0;
  const parts = [''];
  for (const char of list) {
    if (char === '(' || char === '[' || char === '{') depth++;
    if (char === ')' || char === ']' || char === '}') depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => /(\w+)`?\s*$/.exec(part)?.[1] ?? part.trim());
}

interface Shape {
  readonly days: number;
  readonly fromUs: number;
  readonly treeSize: number;
}

function inventedRows(id: string, sql: string, shape: Shape): Readonly<Record<string, Cell>>[] {
  const special = SPECIAL[id];
  if (special !== undefined) return special(shape);
  const columns = columnsOf(sql);
  if (columns.some((column) => column.endsWith('population'))) {
    return [Object.fromEntries(columns.map((column, index) => [column, column.endsWith('exceptions') ? 0 : 12_000 - index * 37]))];
  }
  return Array.from({ length: 3 }, (_, row) => Object.fromEntries(columns.map((column) => [column, invented(column, row)])));
}

function invented(column: string, row: number): Cell {
  if (/(_id|digest)$/.test(column)) return `0199${row}a7c-55d1-7e20-8f3b-0a1b2c3d4e${row}f`;
  if (/^(started|occurred|requested|published|first_|last_)/.test(column)) return `2026-10-0${row + 1} 09:1${row}:22.123456`;
  const words: Record<string, string> = {
    connection: 'claude-engineering',
    protocol: 'anthropic',
    principal: 'maria.fernandez@example-savings.example',
    principal_subject: 'maria.fernandez@example-savings.example',
    principal_kind: 'user',
    principal_issuer: 'https://idp.example-savings.example/realms/staff',
    requester: 'maria.fernandez@example-savings.example',
    requester_subject: 'maria.fernandez@example-savings.example',
    verdict: 'allow',
    outcome: 'completed',
    kind: 'policy.published',
    policy: 'destructive-sql',
    policies: 'destructive-sql, customer-data',
    reasons: 'The table is a scratch copy that the data owner confirmed may go; ticket CHG-10233.',
    decided_by: 'li.wei',
    state: 'released',
    entity: ['us_ssn', 'credit_card', 'us_bank_account'][row] ?? 'iban',
    model_named: 'claude-sonnet-4-5',
    by: '(system)',
    event_type: ['control', 'decision', 'request'][row] ?? 'response',
    approver_group: 'data-owners',
    build: 'affiant 0.1.0',
    direction: 'response',
    rule: 'us_ssn@1',
    tool: 'run_sql',
    phase: 'request',
    reader: 'auditor-1',
    drill: 'deny',
    code: 'token_expired',
    subject: 'customer-data',
    bucket: '2026-10-01 00:00',
    operation: 'messages',
    model: 'claude-sonnet-4-5',
    version: '3',
  };
  return words[column] ?? 4_213 - row * 900;
}

const bucket = (fromUs: number, day: number): string =>
  isoMicro(fromUs + day * 86_400_000_000)
    .slice(0, 16)
    .replace('T', ' ');

const SPECIAL: Readonly<Record<string, (shape: Shape) => Readonly<Record<string, Cell>>[]>> = {
  'g1-sources': () => [
    {
      source_id: 'gateway',
      events: 48_000,
      distinct_seqs: 48_000,
      distinct_ids: 48_000,
      first_seq: 1,
      last_seq: 48_000,
      missing: 0,
      duplicates: 0,
      starts: 4,
      last_heard: '2026-10-31 00:00:01.000000',
    },
    {
      source_id: 'ledger',
      events: 211,
      distinct_seqs: 211,
      distinct_ids: 211,
      first_seq: 1,
      last_seq: 211,
      missing: 0,
      duplicates: 0,
      starts: 4,
      last_heard: '2026-10-31 00:00:01.000000',
    },
  ],
  'g1-gaps': () => [],
  'g1-heartbeats': () => [{ source_id: 'gateway', signs: 43_200, heartbeats: 43_196, longest_silence_s: 61 }],
  'g2-payloads': ({ treeSize }) => [{ records: treeSize, wrong_payloads: 0, wrong_links_in_leaves: 0 }],
  'g2-leaves': ({ treeSize }) => [{ leaves: treeSize, wrong_leaves: 0, positions: treeSize, size: treeSize }],
  'g2-chain': () => [{ records: 48_211, wrong_links: 0, links_over_a_gap: 0, wrong_starts: 0 }],
  'g5-watermark': ({ days, fromUs }) => [
    {
      source_id: 'gateway',
      watermark_us: fromUs + days * 86_400_000_000 + 1_000_000,
      last_heard: '2026-10-31 00:00:01.000000',
      stopped: 0,
    },
  ],
  drills: () => [{ drill: 'deny', runs: 2, passed: 2, last_run: '2026-10-20 04:00:00.000000' }],
  'metric-requests': ({ days, fromUs }) =>
    Array.from({ length: days }, (_, day) => {
      const wave = Math.round(300 + 120 * Math.sin(day / 2.1));
      return {
        bucket: bucket(fromUs, day),
        requests: wave + 90,
        allowed: wave,
        masked: 60 + (day % 9),
        held: 18 - (day % 4),
        blocked: 12 - (day % 5) + (day % 4),
        undecided: 0,
      };
    }),
  'metric-decisions': () => [
    { phase: 'request', verdict: 'allow', decisions: 9_200 },
    { phase: 'request', verdict: 'block', decisions: 312 },
    { phase: 'request', verdict: 'hold', decisions: 48 },
    { phase: 'request', verdict: 'mask', decisions: 1_920 },
    { phase: 'response', verdict: 'allow', decisions: 400 },
    { phase: 'response', verdict: 'hold', decisions: 430 },
  ],
  'metric-approvals': () =>
    [5, 15, 60, 300, 900, 3600, 100_000_000].map((up_to_seconds, index) => ({
      up_to_seconds,
      decided: [2, 9, 31, 44, 17, 3, 0][index] ?? 0,
    })),
  'metric-masks': () => [
    { entity: 'us_ssn', in_requests: 420, in_responses: 1_310, exchanges: 800 },
    { entity: 'credit_card', in_requests: 300, in_responses: 702, exchanges: 512 },
    { entity: 'us_bank_account', in_requests: 88, in_responses: 40, exchanges: 77 },
    { entity: 'email', in_requests: 30, in_responses: 4, exchanges: 20 },
  ],
  'metric-clock': ({ days, fromUs }) =>
    Array.from({ length: days }, (_, day) => ({
      bucket: bucket(fromUs, day),
      events: 1_600 + day,
      p50_us: 120 + (day % 7) * 11,
      p99_us: 900 + (day % 5) * 140,
      largest_us: 2_400 + (day % 11) * 260,
    })),
};
