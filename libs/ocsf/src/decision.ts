import type { Decision } from '#events';
import { actorOf, principalFacts } from './actor.js';
import { list, millis, text } from './bounds.js';
import { OTHER, SEVERITY, type Severity } from './classes.js';
import { common, who } from './exchange.js';
import type { Facts, Status } from './facts.js';
import type { OcsfObject } from './ocsf-event.js';

interface Meaning {
  readonly action: readonly [id: number, caption: string];
  readonly disposition: readonly [id: number, caption: string];
  readonly severity: Severity;
  readonly status: Status;
  readonly alert?: boolean;
}

const ALLOWED = [1, 'Allowed'] as const;
const DENIED = [2, 'Denied'] as const;

/** Verdicts, and the steps of an approval, in the terms of the security_control profile. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  allow: { action: ALLOWED, disposition: [1, 'Allowed'], severity: SEVERITY.informational, status: 'success' },
  mask: { action: [4, 'Modified'], disposition: [11, 'Corrected'], severity: SEVERITY.low, status: 'success' },
  hold: { action: [99, 'Held'], disposition: [14, 'Delayed'], severity: SEVERITY.low, status: { other: 'Held' } },
  block: { action: DENIED, disposition: [2, 'Blocked'], severity: SEVERITY.medium, status: 'failure', alert: true },
  approval_requested: { action: [99, 'Held'], disposition: [14, 'Delayed'], severity: SEVERITY.low, status: { other: 'Pending' } },
  approval_granted: { action: ALLOWED, disposition: [8, 'Approved'], severity: SEVERITY.informational, status: 'success' },
  approval_denied: { action: DENIED, disposition: [25, 'Rejected'], severity: SEVERITY.medium, status: 'failure', alert: true },
  approval_expired: { action: DENIED, disposition: [2, 'Blocked'], severity: SEVERITY.low, status: 'failure' },
  approval_released: { action: ALLOWED, disposition: [1, 'Allowed'], severity: SEVERITY.informational, status: 'success' },
  approval_orphaned: { action: DENIED, disposition: [2, 'Blocked'], severity: SEVERITY.low, status: 'failure' },
};
const UNKNOWN: Meaning = { action: [0, 'Unknown'], disposition: [0, 'Unknown'], severity: SEVERITY.low, status: { other: 'Unknown' } };

export function decisionFacts(event: Decision): Facts {
  const { envelope, kind, phase, verdict, rules, approval } = event;
  const { action, disposition, severity, status, alert } = MEANINGS[kind === 'verdict' ? verdict : kind] ?? UNKNOWN;
  const decider = approval?.decided_by ?? null;
  return {
    class: 'api',
    activity: OTHER,
    activityName: caption(kind),
    severity,
    status,
    statusCode: kind === 'verdict' ? verdict : kind,
    statusDetail: text(approval?.reason ?? rules[0]?.reason ?? null),
    message: kind === 'verdict' ? `${phase} of ${who(envelope)}: ${verdict}` : `${caption(kind)} for a call of ${who(envelope)}`,
    eventCode: `decision.${kind}`,
    profiles: ['security_control'],
    fields: {
      ...common(envelope, null, `decide.${phase}`),
      ...(decider === null ? {} : { actor: actorOf({ ...envelope, session_id: null }, decider) }),
      action_id: action[0],
      action: action[1],
      disposition_id: disposition[0],
      disposition: disposition[1],
      is_alert: alert === true,
      policy: { name: 'policies in force', uid: event.policy_digest, version: event.policy_version },
      authorizations: list(
        rules.map((rule): OcsfObject => ({ decision: rule.action, policy: { name: rule.policy, desc: text(rule.reason, 512) } })),
      ),
    },
    unmapped: {
      phase,
      verdict,
      subject_digest: text(event.subject_digest),
      rules_count: rules.length,
      requester: decider === null ? undefined : principalFacts(envelope.principal),
      approval:
        approval === null
          ? undefined
          : {
              approval_id: approval.approval_id,
              approver_group: approval.approver_group,
              quorum: approval.quorum,
              granted: approval.granted,
              expires_at: millis(approval.expires_at),
              reason: text(approval.reason),
            },
    },
  };
}

const caption = (kind: string): string => (kind.charAt(0).toUpperCase() + kind.slice(1)).replaceAll('_', ' ');
