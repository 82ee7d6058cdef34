import type { Verdict } from '#policy';
import type { Call } from '../call.js';
import { namedSession } from '../inspect/day-session.js';
import type { Ticket } from './ticket.js';

const PIECES = 50_000;

interface Grant {
  readonly approvalId: string;
  /** Bytes of the approved body. */
  readonly length: number;
  readonly callDigest: Buffer;
  readonly policies: ReadonlySet<string>;
}

/**
 * Agents resend the whole conversation each turn, so what people granted once comes again in every later turn. Remembers the granted
 * pieces per principal, connection, session and policy version. A call goes on without asking again when all its held pieces were granted,
 * by the policies that hold it now, in an earlier and shorter body; the granted call itself, sent again, is asked again. Bounded:
 * what is forgotten is asked again.
 */
export class GrantedPieces {
  readonly #grants = new Map<string, Grant>();

  /** To be called when a granted call is released. */
  remember(call: Call, ticket: Ticket): void {
    const policies = new Set(holding(ticket.verdict));
    for (const piece of call.screened.heldPieces) {
      const key = keyOf(call, piece);
      const before = this.#grants.get(key);
      this.#grants.delete(key);
      this.#grants.set(
        key,
        before ?? { approvalId: ticket.first.id, length: call.body.length, callDigest: call.screened.callDigest, policies },
      );
    }
    for (const oldest of this.#grants.keys()) {
      if (this.#grants.size <= PIECES) break;
      this.#grants.delete(oldest);
    }
  }

  /** The verdict without the hold when people granted all that asks for it; null when they have to be asked. */
  relaxed(call: Call): Verdict | null {
    const { heldPieces, verdict, masks } = call.screened;
    if (heldPieces.length === 0 || verdict.action !== 'hold') return null;
    const approvals = new Set<string>();
    for (const piece of heldPieces) {
      const grant = this.#grants.get(keyOf(call, piece));
      if (grant === undefined || grant.length >= call.body.length || grant.callDigest.equals(call.screened.callDigest)) return null;
      if (!holding(verdict).every((policy) => grant.policies.has(policy))) return null;
      approvals.add(grant.approvalId);
    }
    const reason = `granted earlier in this conversation as approval ${[...approvals].join(', ')}`;
    const rules = verdict.rules.map((rule) =>
      rule.action === 'hold' ? { ...rule, action: 'allow' as const, reason: `${rule.reason}; ${reason}` } : rule,
    );
    return { action: masks.length > 0 ? 'mask' : 'allow', rules };
  }
}

function holding(verdict: Verdict): string[] {
  return verdict.rules.filter(({ action }) => action === 'hold').map(({ policy }) => policy);
}

function keyOf(call: Call, piece: Buffer): string {
  const { issuer, subject } = call.credential.principal;
  return [
    issuer,
    subject,
    call.connection.name,
    namedSession(call.context.session_id) ?? '',
    call.policy.set.digest,
    piece.toString('latin1'),
  ].join('\n');
}
