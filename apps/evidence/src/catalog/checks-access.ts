import { APPROVAL_COLUMNS, at, CONTROL_COLUMNS, defineCheck, EXCHANGE_COLUMNS, inPeriod, type CheckQueries } from './check.js';

const exchanges = {
  from: at('exchanges'),
  where: inPeriod('started_at'),
  columns: EXCHANGE_COLUMNS,
  orderBy: 'request_leaf_index',
  sample: 'sample-exchanges',
};

/** Who asked, on which right, and was the decision kept. */
export const ACCESS_CHECKS: readonly CheckQueries[] = [
  defineCheck({
    ...exchanges,
    id: 'attribution',
    title: 'Exchanges and the principal they name',
    populationLabel: 'exchanges in the period',
    exceptionLabel: 'exchanges without a verified principal',
    exception: "principal_subject IN ('', 'unknown') OR principal_issuer = ''",
    figures: {
      'for a person': "countIf(principal_kind = 'user')",
      'for a workload': "countIf(principal_kind = 'workload')",
      'for a service key': "countIf(principal_kind = 'service_key')",
      'naming an agent that acts for the principal': "countIf(principal_actor != '')",
    },
  }),
  defineCheck({
    ...exchanges,
    id: 'token-bound',
    title: 'Exchanges and the token they were made with',
    populationLabel: 'exchanges in the period',
    exceptionLabel: 'exchanges without the digest of a verified token',
    exception: "token_digest = ''",
    figures: { 'distinct tokens': "uniqExactIf(token_digest, token_digest != '')" },
  }),
  defineCheck({
    ...exchanges,
    id: 'service-identities',
    title: 'Exchanges of services and how they authenticated',
    where: `${inPeriod('started_at')}\n  AND principal_kind IN ('workload', 'service_key')`,
    populationLabel: 'exchanges of services in the period',
    exceptionLabel: 'exchanges made with a service key only',
    exception: "principal_kind = 'service_key'",
  }),
  defineCheck({
    id: 'decided-first',
    title: 'Finished exchanges and the decision before them',
    from: `${at('exchanges')} AS e
LEFT ANY JOIN (
  SELECT exchange_id, count() AS decisions, min(leaf_index) AS decided_at_leaf
  FROM ${at('decisions')}
  WHERE kind = 'verdict'
  GROUP BY exchange_id
) AS d ON d.exchange_id = e.exchange_id`,
    where: `${inPeriod('e.started_at')}\n  AND e.outcome != '' AND ifNull(e.joins_exchange, '') = ''`,
    exception: 'd.decisions = 0 OR d.decided_at_leaf > e.response_leaf_index',
    populationLabel: 'finished exchanges that need a decision of their own',
    exceptionLabel: 'exchanges whose decision is missing or later than their response',
    columns: {
      exchange_id: 'e.exchange_id',
      connection: 'e.connection',
      principal: 'e.principal_subject',
      outcome: 'e.outcome',
      leaf_index: 'e.request_leaf_index',
    },
    orderBy: 'leaf_index',
    sample: 'sample-exchanges',
  }),
  defineCheck({
    ...exchanges,
    id: 'enforced',
    title: 'Denied or unreleased exchanges that reached an upstream',
    populationLabel: 'exchanges in the period',
    exceptionLabel: 'exchanges that reached an upstream against their verdict',
    exception: `ifNull(upstream_status, 0) > 0 AND (verdict = 'block' OR (verdict = 'hold'
    AND exchange_id NOT IN (SELECT exchange_id FROM ${at('approvals')} WHERE state = 'released')
    AND ifNull(joins_exchange, '') NOT IN (SELECT exchange_id FROM ${at('approvals')} WHERE state = 'released')))`,
    figures: {
      allowed: "countIf(verdict = 'allow')",
      masked: "countIf(verdict = 'mask')",
      held: "countIf(verdict = 'hold')",
      blocked: "countIf(verdict = 'block')",
    },
  }),
  defineCheck({
    id: 'approvals-separate',
    title: 'Decided approvals and who decided them',
    from: at('approvals'),
    where: `${inPeriod('requested_at')}\n  AND length(deciders) > 0`,
    exception: 'has(deciders, requester_subject)',
    populationLabel: 'approvals decided by a person',
    exceptionLabel: 'approvals decided by their own requester',
    columns: APPROVAL_COLUMNS,
    orderBy: 'requested_at, approval_id',
    figures: { granted: "countIf(state IN ('granted', 'released'))", denied: "countIf(state = 'denied')" },
    sample: 'sample-approvals',
  }),
  defineCheck({
    id: 'approvals-bound',
    title: 'Released approvals: quorum, order, reason and bound content',
    from: at('approvals'),
    where: `${inPeriod('requested_at')}\n  AND state = 'released'`,
    exception:
      "length(arrayDistinct(deciders)) < quorum OR decided_at IS NULL OR released_at < decided_at OR released_digest != subject_digest OR has(decision_reasons, '') OR empty(decision_reasons)",
    populationLabel: 'approvals that released a held call',
    exceptionLabel: 'releases below quorum, before the decision, without a reason, or of other content',
    columns: APPROVAL_COLUMNS,
    orderBy: 'requested_at, approval_id',
    sample: 'sample-approvals',
  }),
  defineCheck({
    ...exchanges,
    id: 'open-exchanges',
    title: 'Requests and the response that ends them',
    populationLabel: 'requests in the period',
    exceptionLabel: 'requests without a response event one hour later',
    exception: "outcome = '' AND started_at < {to} - INTERVAL 1 HOUR",
    figures: {
      completed: "countIf(outcome = 'completed')",
      'refused, denied or expired': "countIf(outcome IN ('refused', 'denied', 'expired'))",
      'ended by an error or a lost peer':
        "countIf(outcome IN ('upstream_error', 'upstream_gone', 'stream_error', 'client_gone', 'aborted'))",
      'still open at the snapshot': "countIf(outcome = '')",
    },
  }),
  defineCheck({
    ...exchanges,
    id: 'bad-input',
    title: 'Malformed or oversize requests',
    where: `${inPeriod('started_at')}\n  AND error_code IN ('body_invalid', 'body_too_large', 'path_denied')`,
    populationLabel: 'requests refused for their form',
    exceptionLabel: 'such requests that reached an upstream',
    exception: 'ifNull(upstream_status, 0) > 0',
  }),
  defineCheck({
    id: 'refused-identities',
    title: 'Callers that were refused for their identity',
    from: at('control'),
    where: `${inPeriod('occurred_at')}\n  AND kind = 'identity.refused'`,
    exception: "attributes['code'] = ''",
    populationLabel: 'refused identities in the period',
    exceptionLabel: 'refusals that do not say why',
    columns: CONTROL_COLUMNS,
    orderBy: 'leaf_index',
    figures: {
      'expired tokens': "countIf(attributes['code'] = 'token_expired')",
      'invalid or conflicting tokens': "countIf(attributes['code'] IN ('token_invalid', 'token_conflict'))",
      'no credential': "countIf(attributes['code'] = 'token_missing')",
    },
  }),
  defineCheck({
    id: 'default-deny',
    title: 'Paths and connections outside the configuration',
    from: at('control'),
    where: `${inPeriod('occurred_at')}\n  AND kind = 'path.refused'`,
    exception: "outcome = 'success'",
    populationLabel: 'calls to a path that is not served',
    exceptionLabel: 'such calls that were let through',
    columns: CONTROL_COLUMNS,
    orderBy: 'leaf_index',
  }),
];
