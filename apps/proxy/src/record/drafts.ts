import type { ApprovalStep, Body, EventContext, EventDraft } from '#events';
import type { PolicySet, RuleOutcome, Verdict } from '#policy';
import type { Caller } from '../call.js';
import type { ReceivedBody } from '../intake/read-body.js';
import type { ScreenedRequest } from '../protocols/protocol.js';

/** The request event. Without `screened` (it never parsed, or may not be read) only lengths and the digest are kept. */
export function requestDraft(
  caller: Caller,
  context: EventContext,
  body: Body,
  screened: ScreenedRequest | null,
  joins: string | null,
): EventDraft {
  const { headers, socket, method } = caller.request;
  return {
    type: 'request',
    context,
    event: {
      protocol: caller.protocol.name,
      operation: caller.route.operation,
      method: method ?? '',
      path: caller.target.path,
      model: screened?.model ?? null,
      stream: screened?.stream ?? false,
      tools: screened?.tools ?? [],
      user_agent: headers['user-agent'] ?? null,
      client_address: socket.remoteAddress ?? null,
      correlation: caller.protocol.correlation(headers),
      joins_exchange: joins,
      body,
    },
  };
}

/** A body of which only lengths and digest are kept. */
export function digestOnly(body: ReceivedBody): Body {
  return {
    segments: [],
    original_digest: body.digest,
    original_length: body.length,
    masked_length: 0,
    complete: body.complete,
    masks: [],
    content_key: null,
    sealed_originals: null,
  };
}

export interface DecisionFacts {
  readonly kind: 'verdict' | 'approval_requested' | 'approval_expired' | 'approval_released' | 'approval_orphaned';
  readonly phase: 'identity' | 'request' | 'response';
  readonly verdict: Verdict;
  readonly policy: Pick<PolicySet, 'version' | 'digest'>;
  readonly subjectDigest: string | null;
  readonly approval?: ApprovalStep;
}

export function decisionDraft(context: EventContext, facts: DecisionFacts): EventDraft {
  return {
    type: 'decision',
    context,
    event: {
      kind: facts.kind,
      phase: facts.phase,
      verdict: facts.verdict.action,
      rules: facts.verdict.rules.map(ruleHit),
      policy_version: facts.policy.version,
      policy_digest: facts.policy.digest,
      subject_digest: facts.subjectDigest,
      approval: facts.approval ?? null,
    },
  };
}

function ruleHit({ policy, action, reason }: RuleOutcome): { policy: string; action: string; reason: string } {
  return { policy, action, reason };
}

/** A verdict of the gateway itself (bad body, denied connection, joined denial), named like a policy. */
export function gatewayVerdict(reason: string): Verdict {
  return { action: 'block', rules: [{ policy: 'affiant:gateway', action: 'block', reason }] };
}
