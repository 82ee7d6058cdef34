import { AffiantError } from '#errors';
import type { Vkey } from '#signing';
import { parseTreeHead, type TreeHead } from './checkpoint.js';
import type { CosignerKey } from './cosignature.js';
import { checkSignatures, parseNote, type NoteKey } from './note.js';

export interface PolicyLog extends NoteKey {
  readonly vkey: Vkey;
  /** As written in the policy; null when it has none. */
  readonly url: string | null;
}

export interface PolicyWitness {
  /** Its name in the policy, which need not be its key name. */
  readonly name: string;
  readonly key: CosignerKey;
  readonly url: string | null;
}

/** At least `threshold` of the members, each the name of a witness or of a group. */
export interface PolicyGroup {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly string[];
}

/** What somebody trusts (C2SP tlog-policy): which logs, which witnesses, and how many of them. Never taken from what is to be verified. */
export interface TrustPolicy {
  /** Several keys of one origin are several entries: any of them will do, which is what a rotation by overlap needs. */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** Name of a witness or group; null for `none`: no cosignature is asked for. */
  readonly quorum: string | null;
}

export interface CheckedNote {
  readonly head: TreeHead;
  /** Log keys of the policy that have signed; at least one. */
  readonly logSigners: readonly Vkey[];
  /** Witnesses of the policy that have cosigned, under their policy names; `timestamp` in seconds since the Unix epoch, as the witness says. */
  readonly witnesses: readonly { readonly name: string; readonly timestamp: number }[];
  /** False only from readNote: checkNote refuses then. */
  readonly quorumMet: boolean;
}

/**
 * A checkpoint, checked against a policy: signed by a log key of the policy whose name is the origin, and cosigned by its quorum.
 * Times of cosignatures are not judged. @throws AffiantError note_invalid; quorum_unmet
 */
export function checkNote(policy: TrustPolicy, note: string | Uint8Array): CheckedNote {
  const checked = readNote(policy, note);
  if (!checked.quorumMet) {
    const has = checked.witnesses.map(({ name }) => name).join(', ') || 'none';
    throw new AffiantError('quorum_unmet', `the quorum ${policy.quorum ?? ''} is not met; cosigned by: ${has}`);
  }
  return checked;
}

/** The same, but an unmet quorum is told instead of refused: for whoever says what cannot be proved. @throws AffiantError note_invalid */
export function readNote(policy: TrustPolicy, note: string | Uint8Array): CheckedNote {
  const parsed = parseNote(note);
  const head = parseTreeHead(parsed.text);
  const keys = policy.witnesses.map(({ key }) => key);
  const signers = checkSignatures<NoteKey>(parsed, [...policy.logs, ...keys]);
  const logSigners = policy.logs.filter((log) => signers.includes(log) && log.name === head.origin).map(({ vkey }) => vkey);
  if (logSigners.length === 0) throw new AffiantError('note_invalid', 'no signature by a log key of the policy');
  const witnesses = policy.witnesses.flatMap(({ name, key }) => {
    const timestamp = signers.includes(key) ? key.timestampIn(parsed) : null;
    return timestamp === null ? [] : [{ name, timestamp }];
  });
  return { head, logSigners, witnesses, quorumMet: isQuorum(policy, new Set(witnesses.map(({ name }) => name))) };
}

/** Whether the named witnesses satisfy the policy's quorum. */
export function isQuorum({ groups, quorum }: TrustPolicy, cosigned: ReadonlySet<string>): boolean {
  const met = new Set(cosigned);
  // A group names only what stands before it, so one pass in the order of the file settles all of them.
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => met.has(member)).length >= threshold) met.add(name);
  }
  return quorum === null || met.has(quorum);
}
