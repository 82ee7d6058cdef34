import type { TrustPolicy } from '#tlog';
import { checkHead, type CheckedHead } from './check-head.js';
import { Findings } from './finding.js';
import type { LogSource } from './log-source.js';

/** The newest checkpoint that witnesses have cosigned, beside the newest of all. */
export const COSIGNED = 'checkpoint.cosigned';

export interface OpenHead {
  readonly checked: CheckedHead | null;
  /** The cosigned checkpoint, when it is another note than the head: the tree must begin with it. */
  readonly anchor: { readonly name: string; readonly note: Uint8Array; readonly checked: CheckedHead } | null;
}

/**
 * The head of a log. Its checkpoint is signed at once and cosigned later: where it does not meet the quorum, the checkpoint that was cosigned last
 * has to, and only what that one covers has been seen by witnesses.
 */
export async function openHead(
  source: LogSource,
  policy: TrustPolicy,
  note: string | Uint8Array,
  where: string,
  findings: Findings,
  notes: string[],
): Promise<OpenHead> {
  const own = new Findings();
  const checked = checkHead(policy, note, where, own);
  const cosigned = checked !== null && own.list[0]?.code === 'quorum_unmet' ? await source.get(COSIGNED) : null;
  if (cosigned === null || checked === null) {
    findings.putFirst(own);
    return { checked, anchor: null };
  }
  const seen = checkHead(policy, cosigned, COSIGNED, findings);
  if (seen === null) return { checked, anchor: null };
  const late = checked.head.size - seen.head.size;
  if (late > 0)
    notes.push(`The newest ${late} leaves have not been seen by the witnesses yet: they cosigned a tree of ${seen.head.size} leaves.`);
  return { checked: { head: checked.head, cosigned_by: seen.cosigned_by }, anchor: { name: COSIGNED, note: cosigned, checked: seen } };
}
