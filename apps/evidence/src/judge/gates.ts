import { microsOf } from '#events';
import { HEARTBEAT_LIMIT_S } from '../catalog/gate-queries.js';
import type { GateResult, Integrity, Period, Snapshot } from '../model/packet.js';
import type { Results } from '../model/result.js';

export interface GateInput {
  readonly results: Results;
  readonly snapshot: Snapshot;
  readonly period: Period;
  readonly integrity: Integrity;
  readonly populationSource: string | null;
}

type Outcome = Pick<GateResult, 'verdict' | 'reasons'>;

/** Findings make a FINDING, else the statements of what holds make a PASS. */
function outcome(findings: readonly string[], holds: readonly string[]): Outcome {
  return findings.length > 0 ? { verdict: 'FINDING', reasons: findings } : { verdict: 'PASS', reasons: holds };
}

/** The six gates, run before any control. Pure: from query results and the pinned snapshot only. */
export function judgeGates(input: GateInput): GateResult[] {
  return [
    { id: 'G1', title: 'Continuity', ...continuity(input) },
    { id: 'G2', title: 'Chain and tree', ...chain(input) },
    { id: 'G3', title: 'Population against an independent source', ...population(input) },
    { id: 'G4', title: 'Clock', ...clock(input) },
    { id: 'G5', title: 'Watermark', ...watermark(input) },
    { id: 'G6', title: 'Mandatory fields', ...fields(input) },
  ];
}

function continuity({ results, snapshot }: GateInput): Outcome {
  const findings: string[] = [];
  const sources = results.records('g1-sources');
  let events = 0;
  for (const row of sources) {
    const name = String(row['source_id']);
    events += Number(row['events']);
    if (Number(row['missing']) !== 0) findings.push(`Source ${name}: ${row['missing']} sequence numbers missing up to ${row['last_seq']}.`);
    if (Number(row['duplicates']) !== 0)
      findings.push(`Source ${name}: ${row['duplicates']} records more than sequence numbers (duplicates).`);
    if (row['distinct_ids'] !== row['distinct_seqs'])
      findings.push(`Source ${name}: ${row['distinct_ids']} event ids for ${row['distinct_seqs']} sequence numbers.`);
  }
  for (const { source_id, seq } of snapshot.frontiers) {
    const row = sources.find((one) => one['source_id'] === source_id);
    const last = Number(row?.['last_seq'] ?? 0);
    if (last !== seq) findings.push(`Source ${source_id}: the checkpoint covers seq ${seq}, the ledger holds up to ${last}.`);
  }
  for (const row of results.records('g1-heartbeats')) {
    if (Number(row['longest_silence_s']) > HEARTBEAT_LIMIT_S) {
      findings.push(`Source ${row['source_id']}: silent for ${row['longest_silence_s']} s while it ran (limit ${HEARTBEAT_LIMIT_S} s).`);
    }
  }
  return outcome(findings, [
    `${events} events of ${sources.length} sources: sequence numbers dense from 1 to the frontier of the checkpoint, 0 duplicates.`,
  ]);
}

function chain({ results, snapshot, integrity }: GateInput): Outcome {
  const findings: string[] = [];
  const count = (query: string, column: string): number => results.number(query, column);
  const records = count('g2-payloads', 'records');
  if (!integrity.note_verified) findings.push(`The checkpoint note does not verify: ${integrity.note_error ?? 'unknown reason'}.`);
  if (count('g2-payloads', 'wrong_payloads') > 0)
    findings.push(`${count('g2-payloads', 'wrong_payloads')} payloads do not match their digest.`);
  if (count('g2-payloads', 'wrong_links_in_leaves') > 0)
    findings.push(`${count('g2-payloads', 'wrong_links_in_leaves')} leaves name another record before theirs.`);
  if (count('g2-leaves', 'wrong_leaves') > 0) findings.push(`${count('g2-leaves', 'wrong_leaves')} leaves do not match their hash.`);
  if (count('g2-chain', 'wrong_links') > 0)
    findings.push(`${count('g2-chain', 'wrong_links')} records do not name the digest of the record before.`);
  if (count('g2-chain', 'wrong_starts') > 0) findings.push(`${count('g2-chain', 'wrong_starts')} first records do not start a chain.`);
  for (const [name, value] of [
    ['records with their bytes', records],
    ['leaves', count('g2-leaves', 'leaves')],
    ['distinct positions', count('g2-leaves', 'positions')],
    ['leaf hashes recomputed', integrity.leaves],
  ] as const) {
    if (value !== snapshot.tree_size) findings.push(`${value} ${name}, but the checkpoint says ${snapshot.tree_size}.`);
  }
  if (integrity.root_hash !== snapshot.root_hash)
    findings.push(`The recomputed root ${integrity.root_hash} is not the root of the checkpoint.`);
  return outcome(findings, [
    `${records} of ${snapshot.tree_size} payloads and leaves, and ${count('g2-chain', 'records')} links recomputed; the root equals the signed checkpoint.`,
  ]);
}

function population({ populationSource }: GateInput): Outcome {
  if (populationSource !== null) return { verdict: 'PASS', reasons: [`Counts agree with ${populationSource}.`] };
  return {
    verdict: 'INCONCLUSIVE',
    reasons: ['No independent population source (provider usage export, target audit log or egress flow log) is configured.'],
  };
}

function clock({ results }: GateInput): Outcome {
  const events = results.number('clock', 'population');
  const breaches = results.number('clock', 'exceptions');
  return outcome(
    breaches > 0 ? [`${breaches} of ${events} events are beyond the clock limit; statements about order in time are withdrawn.`] : [],
    [`${events} events within the clock limit, none ingested before it occurred.`],
  );
}

function watermark({ results, period, snapshot }: GateInput): Outcome {
  const sources = results.records('g5-watermark');
  const cut =
    period.to === period.requested_to
      ? []
      : [
          `The period was asked for up to ${period.requested_to} and ends at ${period.to}, the last instant every source has delivered and sealed.`,
        ];
  const toUs = microsOf(period.to);
  const late = sources.filter((row) => row['stopped'] !== 1 && Number(row['watermark_us']) + 1 < toUs);
  return outcome(
    late.map((row) => `Source ${row['source_id']} was last heard at ${row['last_heard']}, before the end of the period.`),
    [
      ...cut,
      `Every source that serves traffic (${sources.length}) is sealed up to the end of the period in the checkpoint of size ${snapshot.tree_size}.`,
    ],
  );
}

function fields({ results }: GateInput): Outcome {
  const events = results.number('record-fields', 'population');
  const empty = results.number('record-fields', 'exceptions');
  return outcome(empty > 0 ? [`${empty} of ${events} events have an empty or unknown mandatory field.`] : [], [
    `${events} events, none with an empty or unknown mandatory field.`,
  ]);
}
