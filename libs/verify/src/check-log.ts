import { blame } from './blame.js';
import { checkHead } from './check-head.js';
import { checkStamps, listStamps } from './check-stamps.js';
import { Findings } from './finding.js';
import { LeafChains } from './leaf-chains.js';
import type { LogSource } from './log-source.js';
import { openHead } from './open-head.js';
import type { VerifyPolicy } from './policy-file.js';
import { reportOf, type LogReport } from './report.js';
import { checkLeftovers } from './leftovers.js';
import { TreeWalk } from './tree-walk.js';

export interface Since {
  /** Name for people: the file it came from. */
  readonly name: string;
  /** A checkpoint from an earlier check, verbatim. */
  readonly note: string | Uint8Array;
}

export interface CheckLogOptions {
  /** From the person who verifies, never from the log. */
  readonly policy: VerifyPolicy;
  /** Earlier checkpoints that the log must still agree with. */
  readonly since?: readonly Since[];
  /** Another checkpoint than the one in the log: that of a packet, for instance. */
  readonly checkpoint?: Since;
  readonly onProgress?: (done: number, of: number) => void;
  /** Milliseconds since the Unix epoch, for the certificates of time stamps; default: this machine's clock. */
  readonly now?: number;
}

/**
 * Checks a whole log: checkpoint under the policy, every leaf and tile, consistency with earlier checkpoints, and each source's chain.
 * Whatever the log holds gives a report. Memory does not grow with the log. @throws AffiantError instance_unreachable, usage_invalid when
 * the place cannot be read.
 */
export async function checkLog(source: LogSource, options: CheckLogOptions): Promise<LogReport> {
  const startedAt = performance.now();
  const findings = new Findings();
  const chains = new LeafChains(findings, true);
  const notes: string[] = [];
  const { policy } = options;
  const stampPaths = listStamps(source);
  const note = options.checkpoint?.note ?? (await source.get('checkpoint'));
  const where = options.checkpoint?.name ?? 'checkpoint';
  if (note === null) findings.add('checkpoint_missing', where, 'there is no checkpoint, so nothing says what the tree is');
  const { checked, anchor } =
    note === null ? { checked: null, anchor: null } : await openHead(source, policy, note, where, findings, notes);
  const since = [...(options.since ?? []), ...(anchor === null ? [] : [anchor])];
  const size = checked?.head.size ?? 0;
  const stamps = await checkStamps(source, stampPaths, { policy, ...(options.now === undefined ? {} : { now: options.now }) });
  if (checked !== null) {
    const older = since.flatMap(({ name, note: text }) => {
      const one = checkHead({ ...policy, quorum: null }, text, name, findings);
      return one === null ? [] : [{ name, head: one.head }];
    });
    older.push(...stamps.heads);
    for (const { name, head } of older) {
      if (head.size > size)
        findings.add(
          'checkpoint_rolled_back',
          where,
          `it is of ${size} leaves and ${name} of ${head.size}: the log was ${head.size} leaves long already`,
        );
      if (head.origin !== checked.head.origin) findings.add('checkpoint_invalid', name, `it is of another log: ${head.origin}`);
    }
    const walk = new TreeWalk(source, size, findings, chains, [size, ...older.map(({ head }) => head.size)]);
    await walk.run((done) => options.onProgress?.(done, size));
    const root = walk.root(size);
    const leavesAreTrue = root?.equals(checked.head.root) === true;
    const treeFindings = new Findings();
    await blame(source, size, checked.head.root, leavesAreTrue, walk.mismatches, treeFindings);
    // What was altered comes before what follows from it.
    findings.putFirst(treeFindings);
    for (const { name, head } of older) {
      const then = walk.root(head.size);
      if (then !== null && !then.equals(head.root) && leavesAreTrue)
        findings.add(
          'checkpoint_forked',
          where,
          `the first ${head.size} leaves are not those that ${name} was signed for: the key signed two histories`,
        );
    }
    if (!walk.complete) notes.push('Some leaves could be neither read nor replaced, so the tree was not recomputed to its end.');
    else if (!leavesAreTrue && treeFindings.count === 0)
      findings.add('tree_differs', where, 'leaves and tiles agree with each other and give another root than the signed one');
    // What came of an earlier partial file can only vouch for it when it is itself in order.
    if (findings.count === 0) await checkLeftovers(source, size, findings, notes);
  }
  for (const { code, where: at, message } of stamps.findings.list) findings.add(code, at, message);
  notes.push(...stamps.notes);
  const parts = { what: 'log' as const, name: source.name, policy, checked, findings, notes, startedAt, stamps };
  return reportOf({ ...parts, range: { from: 0, to: size }, sources: chains.summaries(), since: since.map(({ name }) => name) });
}
