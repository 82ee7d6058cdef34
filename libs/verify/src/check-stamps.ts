import { parseStampPath, stampedCheckpointPath, type StampPlace } from '#timestamp';
import type { TreeHead } from '#tlog';
import { checkHead } from './check-head.js';
import { Findings } from './finding.js';
import type { LogSource } from './log-source.js';
import type { VerifyPolicy } from './policy-file.js';
import { checkStampChain, iso, type StoredStamp } from './stamp-chain.js';

/** Stamps by one authority over one checkpoint that verify. */
export interface VerifiedTime {
  readonly authority: string;
  /** Leaves that existed at the time. */
  readonly size: number;
  /** ISO 8601 UTC, by the authority's clock. */
  readonly time: string;
}

export interface StampsReport {
  /** Stamped checkpoints whose own signature holds: the tree must begin with each. */
  readonly heads: readonly { readonly name: string; readonly head: TreeHead }[];
  readonly times: readonly VerifiedTime[];
  readonly findings: Findings;
  readonly notes: readonly string[];
  /** What the absence of a check leaves open; null when the policy names an authority. */
  readonly unchecked: string | null;
}

export interface StampOptions {
  readonly policy: VerifyPolicy;
  /** For a range: of each authority only the smallest stamped checkpoint that covers this many leaves. */
  readonly covering?: number;
  /** Milliseconds since the Unix epoch; default: this machine's clock. */
  readonly now?: number;
}

type Kept = StampPlace & { readonly path: string };

/** Paths of the stamps beside the tiles, read before the checkpoint: in a log that grows they are then no newer than it. Null: cannot be listed. */
export function listStamps(source: LogSource): string[] | null {
  return source.stamps === undefined ? null : [...source.stamps()];
}

/** Checks time stamps under the policy. A stamp by an authority that the policy does not name proves nothing, and is named. */
export async function checkStamps(source: LogSource, paths: readonly string[] | null, options: StampOptions): Promise<StampsReport> {
  const { policy, covering, now = Date.now() } = options;
  const { authorities = [] } = policy;
  const findings = new Findings();
  const notes: string[] = [];
  const heads: { name: string; head: TreeHead }[] = [];
  const times: VerifiedTime[] = [];
  const kept = (paths ?? []).flatMap((path): Kept[] => {
    const place = parseStampPath(path);
    return place === null ? [] : [{ ...place, path }];
  });
  const of = (name: string): Kept[] => kept.filter(({ authority }) => authority === name);
  if (paths === null && authorities.length > 0)
    notes.push('The place cannot list its files, so no time stamp was found: check a copy of the log that has its stamps.');
  const strangers = [...new Set(kept.map(({ authority }) => authority))].filter((name) => !authorities.some((one) => one.name === name));
  if (strangers.length > 0 && authorities.length > 0)
    notes.push(
      `Stamps by ${strangers.sort().join(', ')} are there, for example ${of(strangers[0]!)[0]!.path}: the policy does not name that authority, so they prove nothing here.`,
    );
  const opened = new Map<number, Buffer | null>();
  for (const authority of authorities) {
    const sizes = [...new Set(of(authority.name).map(({ size }) => size))].sort((a, b) => a - b);
    if (sizes.length === 0 && paths !== null)
      findings.add('stamp_missing', `stamps by ${authority.name}`, 'there is none, and the policy asks for this authority');
    const asked = covering === undefined ? sizes : sizes.filter((size) => size >= covering).slice(0, 1);
    for (const size of asked) {
      if (!opened.has(size)) opened.set(size, await openStamped(source, size, policy, heads, findings));
      const note = opened.get(size);
      if (note === undefined || note === null) continue;
      const stored = await Promise.all(of(authority.name).filter((one) => one.size === size).map((one) => readStored(source, one))); // prettier-ignore
      const told = await checkStampChain(authority, note, stored, findings);
      if (told === null) continue;
      const newest = stored.reduce((a, b) => (b.number > a.number ? b : a));
      if (told.expiresAt < now)
        findings.add(
          'stamp_invalid',
          newest.where,
          `its certificate ended at ${iso(told.expiresAt)} and it was not renewed before: it cannot be relied on any more`,
        );
      else times.push({ authority: authority.name, size, time: iso(told.time) });
    }
  }
  return { heads, times, findings, notes, unchecked: uncheckedOf(kept.length, authorities.length) };
}

/** What the stamps prove, in words. */
export function stampsProve(times: readonly VerifiedTime[], range?: { readonly from: number; readonly to: number }): string[] {
  return [...new Set(times.map(({ authority }) => authority))].map((name) => {
    const own = times.filter(({ authority }) => authority === name);
    const newest = own.reduce((a, b) => (b.size > a.size ? b : a));
    const what = range === undefined ? `The first ${newest.size} leaves` : `Leaves ${range.from} to ${range.to - 1}`;
    const count = own.length > 1 ? ` Its ${own.length} stamped checkpoints verify.` : '';
    return `${what} existed before ${newest.time}: the time stamp authority ${name} signed for a checkpoint of ${newest.size} leaves then.${count}`;
  });
}

function uncheckedOf(stamps: number, authorities: number): string | null {
  if (authorities > 0) return null;
  const there = stamps === 0 ? '' : ` ${stamps} stamps are beside the tiles and were not checked.`;
  return `When it was written: the policy names no time stamp authority, so the times are those of the log’s operator.${there}`;
}

async function openStamped(
  source: LogSource,
  size: number,
  policy: VerifyPolicy,
  heads: { name: string; head: TreeHead }[],
  findings: Findings,
): Promise<Buffer | null> {
  const path = stampedCheckpointPath(size);
  const note = await source.get(path);
  if (note === null) {
    findings.add('stamp_invalid', path, 'the stamped checkpoint is not there, so the stamps beside it are over nothing');
    return null;
  }
  // It is as it was when it was stamped: witnesses may have cosigned it afterwards.
  const checked = checkHead({ ...policy, witnesses: [], groups: [], quorum: null }, note, path, findings);
  if (checked === null) return null;
  if (checked.head.size !== size) {
    findings.add('stamp_invalid', path, `it is a checkpoint of ${checked.head.size} leaves`);
    return null;
  }
  heads.push({ name: path, head: checked.head });
  return note;
}

async function readStored(source: LogSource, { path, number, expiresAt }: Kept): Promise<StoredStamp> {
  return { where: path, number, response: await source.get(path), until: expiresAt };
}
