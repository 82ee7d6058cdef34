import { isQuorum, readNote, type CheckedNote, type TreeHead, type TrustPolicy } from '#tlog';
import type { Findings } from './finding.js';

/** A signed tree head as the policy sees it. */
export interface CheckedHead {
  readonly head: TreeHead;
  /** Key ids are not told: the names in the policy are what the reader knows. */
  readonly cosigned_by: readonly { readonly name: string; readonly at: string }[];
}

/**
 * Reads a checkpoint against the policy. Null, with a finding, when it is not signed by a log of the policy; an unmet quorum or a bad
 * cosignature is a finding too, but the tree can still be compared with the head.
 */
export function checkHead(policy: TrustPolicy, note: string | Uint8Array, where: string, findings: Findings): CheckedHead | null {
  let checked: CheckedNote;
  try {
    checked = readNote(policy, note);
  } catch (error) {
    // Without its witnesses the policy tells which of the two is wrong: the log's own signature or a cosignature.
    const own = quietly(() => readNote({ ...policy, witnesses: [], groups: [], quorum: null }, note));
    if (own === null) {
      findings.add('checkpoint_invalid', where, (error as Error).message);
      return null;
    }
    const bad = policy.witnesses.find((witness) => quietly(() => readNote({ ...policy, witnesses: [witness] }, note)) === null);
    findings.add('cosignature_invalid', `${where}, cosignature by ${bad?.name ?? 'a witness'}`, (error as Error).message);
    return { head: own.head, cosigned_by: [] };
  }
  const names = new Set(checked.witnesses.map(({ name }) => name));
  if (!isQuorum(policy, names)) {
    const missing = policy.witnesses.map(({ name }) => name).filter((name) => !names.has(name));
    findings.add(
      'quorum_unmet',
      `${where}, cosignatures`,
      `the quorum ${policy.quorum ?? ''} of the policy is not met: cosigned by ${[...names].join(', ') || 'none'}, not by ${missing.join(', ')}`,
    );
  }
  const cosigned_by = checked.witnesses.map(({ name, timestamp }) => ({ name, at: timeOf(timestamp) }));
  return { head: checked.head, cosigned_by };
}

function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString();
}

function quietly<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
