import type { Decision } from '#events';
import type { ApprovalRow } from '../entities.js';
import type { ApprovalState, ApprovalVote } from '../port.js';

/** What becomes of approvals that were pending, or granted and not used. */
export type Unfinished = 'expire' | 'keep';

/** The event log has no summary of what would run; the masked body is under the exchange. */
const NO_SUMMARY = '(rebuilt from the event log, which keeps no summary; see the exchange)';

/** Events of one approval, in any order: they come from several sources with clocks of their own. */
interface Steps {
  requested: Decision | null;
  /** approval_granted and approval_denied */
  readonly votes: Decision[];
  readonly ends: Decision[];
  orphaned: boolean;
}

/** Builds approvals from `affiant.decision.v1`. Keeps about two kilobytes per approval in memory. */
export class ApprovalFold {
  readonly #approvals = new Map<string, Steps>();

  take(event: Decision): void {
    const id = event.approval?.approval_id;
    if (id === undefined) return;
    const steps = this.#approvals.get(id) ?? { requested: null, votes: [], ends: [], orphaned: false };
    this.#approvals.set(id, steps);
    if (event.kind === 'approval_requested') steps.requested = event;
    else if (event.kind === 'approval_granted' || event.kind === 'approval_denied') steps.votes.push(event);
    else if (event.kind === 'approval_released' || event.kind === 'approval_expired') steps.ends.push(event);
    else if (event.kind === 'approval_orphaned') steps.orphaned = true;
  }

  /** Approvals whose request is known, oldest first; of the others only how many there are. */
  result(unfinished: Unfinished, nowMs: number): { readonly rows: ApprovalRow[]; readonly incomplete: number } {
    const rows: ApprovalRow[] = [];
    for (const [id, steps] of this.#approvals) {
      const row = approvalOf(id, steps, unfinished, nowMs);
      if (row !== null) rows.push(row);
    }
    rows.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
    return { rows, incomplete: this.#approvals.size - rows.length };
  }
}

function approvalOf(id: string, { requested, votes, ends, orphaned }: Steps, unfinished: Unfinished, nowMs: number): ApprovalRow | null {
  const step = requested?.approval ?? null;
  if (requested === null || step === null || requested.envelope.principal === null) return null;
  const { envelope } = requested;
  // A vote names the one rule of its own approval; the request names all that held the call.
  const held = (votes[0] ?? requested).rules.filter(({ action }) => action === 'hold');
  const counted = countVotes(votes, step.quorum);
  const end = endOf(counted.state, ends);
  const lapses = (end.state === 'pending' || end.state === 'granted') && unfinished === 'expire';
  return {
    id,
    exchange_id: envelope.exchange_id ?? '',
    session_id: envelope.session_id,
    connection: envelope.connection ?? '',
    requester: requested.envelope.principal!,
    phase: requested.phase === 'response' ? 'response' : 'request',
    policy: held[0]?.policy ?? '',
    policy_digest: requested.policy_digest,
    reason: held.map(({ reason }) => reason).join('; '),
    summary: NO_SUMMARY,
    subject_digest: requested.subject_digest ?? '',
    approver_group: step.approver_group,
    quorum: step.quorum,
    state: lapses ? 'expired' : end.state,
    votes: counted.votes,
    created_at: toMs(envelope.occurred_at),
    expires_at: toMs(step.expires_at),
    decided_at: lapses ? nowMs : (end.at ?? counted.decidedAt),
    orphaned,
    version: 1,
  };
}

/** Votes in the order of their clocks, one per approver, until they decide: what came later the book had refused. */
function countVotes(
  events: readonly Decision[],
  quorum: number,
): { readonly state: ApprovalState; readonly votes: ApprovalVote[]; readonly decidedAt: number | null } {
  // A denial that is there counts whatever the clocks say: nothing may be released over it.
  const denied = events.find(({ kind }) => kind === 'approval_denied');
  const votes: ApprovalVote[] = [];
  const seen = new Set<string>();
  for (const event of events.toSorted((a, b) => a.envelope.occurred_at - b.envelope.occurred_at)) {
    const approver = event.approval?.decided_by ?? null;
    if (approver === null || seen.has(`${approver.issuer}\n${approver.subject}`)) continue;
    seen.add(`${approver.issuer}\n${approver.subject}`);
    const verdict = event.kind === 'approval_denied' ? 'deny' : 'approve';
    votes.push({ approver, verdict, reason: event.approval?.reason ?? '', at: toMs(event.envelope.occurred_at) });
    if (verdict === 'deny') break;
    if (denied === undefined && votes.length >= quorum) break;
  }
  const last = votes.at(-1)?.at ?? null;
  if (denied !== undefined) return { state: 'denied', votes, decidedAt: last };
  return votes.length >= quorum ? { state: 'granted', votes, decidedAt: last } : { state: 'pending', votes, decidedAt: null };
}

/** A release is told after it happened, so it stands; an expiry stands over anything but a release. */
function endOf(state: ApprovalState, ends: readonly Decision[]): { readonly state: ApprovalState; readonly at: number | null } {
  if (ends.some(({ kind }) => kind === 'approval_released')) return { state: 'released', at: null };
  const expired = ends.find(({ kind }) => kind === 'approval_expired');
  if (expired !== undefined && state !== 'denied') return { state: 'expired', at: toMs(expired.envelope.occurred_at) };
  return { state, at: null };
}

const toMs = (microseconds: number): number => Math.floor(microseconds / 1000);
