import type { TrustPolicy } from '#tlog';
import type { CheckedHead } from './check-head.js';
import { stampsProve, type StampsReport, type VerifiedTime } from './check-stamps.js';
import type { Finding, Findings } from './finding.js';
import type { SourceSummary } from './leaf-chains.js';

/** What was found about a log or a part of it. */
export interface LogReport {
  readonly ok: boolean;
  readonly what: 'log' | 'range';
  readonly name: string;
  readonly statement: string;
  readonly checkpoint: {
    readonly origin: string;
    readonly size: number;
    readonly root: string;
    readonly cosigned_by: CheckedHead['cosigned_by'];
  } | null;
  /** Leaf indexes [from, to) that were checked. */
  readonly range: { readonly from: number; readonly to: number };
  readonly sources: readonly SourceSummary[];
  /** Time stamps that verify. */
  readonly stamps: readonly VerifiedTime[];
  /** In the order in which they are to be read; at most 100. */
  readonly findings: readonly Finding[];
  readonly finding_count: number;
  readonly proves: readonly string[];
  readonly does_not_prove: readonly string[];
  readonly notes: readonly string[];
  readonly seconds: number;
  readonly leaves_per_second: number;
}

export interface ReportParts {
  readonly what: 'log' | 'range';
  readonly name: string;
  readonly policy: TrustPolicy;
  readonly checked: CheckedHead | null;
  readonly range: { readonly from: number; readonly to: number };
  readonly sources: readonly SourceSummary[];
  readonly stamps: StampsReport;
  readonly findings: Findings;
  readonly since: readonly string[];
  readonly notes: readonly string[];
  readonly startedAt: number;
}

/** Puts a report together: the words a person reads follow from what was checked. */
export function reportOf(parts: ReportParts): LogReport {
  const { what, name, checked, range, sources, stamps, findings, notes, startedAt } = parts;
  const seconds = (performance.now() - startedAt) / 1000;
  const ok = findings.count === 0;
  const first = findings.list[0];
  const head = checked?.head;
  return {
    ok,
    what,
    name,
    statement: ok
      ? `The ${what} verifies: ${range.to - range.from} leaves of ${head?.origin ?? ''}, tree size ${head?.size ?? 0}.`
      : `The ${what} does not verify. First: ${first?.where}: ${first?.message}`,
    checkpoint:
      checked === null || head === undefined
        ? null
        : { origin: head.origin, size: head.size, root: head.root.toString('base64'), cosigned_by: checked.cosigned_by },
    range,
    sources,
    stamps: stamps.times,
    findings: findings.list,
    finding_count: findings.count,
    proves: ok ? provenBy(parts) : [],
    does_not_prove: notProvenBy(parts),
    notes,
    seconds: Number(seconds.toFixed(3)),
    leaves_per_second: seconds > 0 ? Math.round((range.to - range.from) / seconds) : 0,
  };
}

function provenBy({ what, checked, range, since, stamps }: ReportParts): string[] {
  const head = checked?.head;
  const said = [
    what === 'log'
      ? `Every one of the ${head?.size ?? 0} leaves, every tile and every entry bundle is what the key of ${head?.origin ?? ''} signed as tree size ${head?.size ?? 0}.`
      : `Leaves ${range.from} to ${range.to - 1} are at these places in the tree of ${head?.size ?? 0} leaves that the key of ${head?.origin ?? ''} signed.`,
    'Within each source the leaves are in the order of their numbers, none is there twice, and neighbours follow from each other by hash.',
  ];
  const witnesses = checked?.cosigned_by ?? [];
  if (witnesses.length > 0)
    said.push(`The checkpoint was seen by ${witnesses.map(({ name, at }) => `${name} at ${at}`).join(', ')}, who cosign one history only.`);
  said.push(...stampsProve(stamps.times, what === 'range' ? range : undefined));
  for (const name of since) said.push(`The log still has, unchanged and first, everything that ${name} committed to.`);
  return said;
}

function notProvenBy({ what, policy, checked, range, sources, since, stamps }: ReportParts): string[] {
  const said = ['Events that were never handed to the log: it can show that nothing was changed later, not that everything was told.'];
  if (policy.quorum === null)
    said.push(
      'That everybody is shown the same log: the policy asks for no witness. A second history, signed by the same key, would pass.',
    );
  if (since.length === 0) said.push('That nothing was removed since an earlier check: give the checkpoint you kept from it with --since.');
  said.push(...timesOpen({ what, checked, range, stamps }));
  if (what === 'range') {
    const size = checked?.head.size ?? 0;
    said.push(`Anything about leaves outside ${range.from} to ${range.to - 1} of ${size}: they were not read.`);
    if (range.from > 0) said.push(`That the first leaf of each source in the range follows from the one before the range.`);
  }
  const holes = sources.filter(({ missing }) => missing > 0);
  if (holes.length > 0) {
    const named = holes.slice(0, 5).map(({ source, missing, first_missing }) => `${source}: ${missing} from seq ${first_missing ?? 0} on`);
    said.push(
      `What the numbers that are no leaves were (${named.join('; ')}): checkpoint events are no leaves, and only the events themselves show that it was these. Give them with --events.`,
    );
  }
  said.push('What the events say: a leaf commits to the bytes of an event and does not hold them. Give them with --events.');
  return said;
}

/** Which leaves no time stamp covers. */
function timesOpen({ what, checked, range, stamps }: Pick<ReportParts, 'what' | 'checked' | 'range' | 'stamps'>): string[] {
  if (stamps.unchecked !== null) return [stamps.unchecked];
  const size = checked?.head.size ?? 0;
  const covered = Math.max(0, ...stamps.times.map((one) => one.size));
  if (what === 'range') return covered >= range.to ? [] : ['When these leaves were written: no time stamp covers all of them.'];
  return covered >= size ? [] : [`When leaves ${covered} to ${size - 1} were written: they are after the newest time stamp that verifies.`];
}
