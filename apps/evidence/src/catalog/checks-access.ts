import { APPROVAL_COLUMNS, at, CONTROL_COLUMNS, defineCheck, defineChecks, EXCHANGE_COLUMNS, inPeriod, type CheckGroup } from './check.js';

const exchange = {
  columns: EXCHANGE_COLUMNS,
  orderBy: 'request_leaf_index',
  sample: 'sample-exchanges',
};

/** Reads of the ledger; a query is recorded when it starts and when it ends, and counts once. */
const READS = `(kind IN ('ledger.queried', 'packet.created', 'packet.downloaded', 'session.replayed', 'events.tailed', 'approval.viewed') AND attributes['status'] != 'started')`;

/** Who asked, on which right, and was the decision kept. */
export const ACCESS_CHECKS: readonly CheckGroup[] = [
  defineChecks(
    { id: 'exchange-checks', title: 'Examinations over the exchanges of the period', from: at('exchanges'), where: inPeriod('started_at') },
    [
      {
        ...exchange,
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
      },
      {
        ...exchange,
        id: 'token-bound',
        title: 'Exchanges and the token they were made with',
        populationLabel: 'exchanges in the period',
        exceptionLabel: 'exchanges without the digest of a verified token',
        exception: "token_digest = ''",
        figures: { 'distinct tokens': "uniqExactIf(token_digest, token_digest != '')" },
      },
      {
        ...exchange,
        id: 'service-identities',
        title: 'Exchanges of services and how they authenticated',
        among: "principal_kind IN ('workload', 'service_key')",
        populationLabel: 'exchanges of services in the period',
        exceptionLabel: 'exchanges made with a service key only',
        exception: "principal_kind = 'service_key'",
      },
      {
        ...exchange,
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
      },
      {
        ...exchange,
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
      },
      {
        ...exchange,
        id: 'bad-input',
        title: 'Malformed or oversize requests',
        among: "error_code IN ('body_invalid', 'body_too_large', 'path_denied')",
        populationLabel: 'requests refused for their form',
        exceptionLabel: 'such requests that reached an upstream',
        exception: 'ifNull(upstream_status, 0) > 0',
      },
      {
        id: 'tool-calls',
        title: 'Exchanges in which the model called a tool',
        among: 'length(tool_calls) > 0',
        exception: "principal_subject = ''",
        populationLabel: 'exchanges with tool calls',
        exceptionLabel: 'tool calls that name no principal',
        columns: EXCHANGE_COLUMNS,
        orderBy: 'request_leaf_index',
        figures: { 'calls of tools': 'sum(length(tool_calls))', 'distinct tools': 'length(groupUniqArrayArray(tool_calls))' },
        sample: 'sample-tools',
      },
      ...(['postgres', 'ssh', 'kubernetes'] as const).map((protocol) => ({
        ...exchange,
        id: `protocol-${protocol}`,
        title: `Exchanges over the ${protocol} protocol`,
        among: `protocol = '${protocol}'`,
        exception: "principal_subject = ''",
        populationLabel: `exchanges over ${protocol}`,
        exceptionLabel: 'of them without a principal',
      })),
    ],
  ),
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
  defineChecks(
    {
      id: 'approval-checks',
      title: 'Examinations over the approvals of the period',
      from: at('approvals'),
      where: inPeriod('requested_at'),
    },
    [
      {
        id: 'approvals-separate',
        title: 'Decided approvals and who decided them',
        among: 'length(deciders) > 0',
        exception: 'has(deciders, requester_subject)',
        populationLabel: 'approvals decided by a person',
        exceptionLabel: 'approvals decided by their own requester',
        columns: APPROVAL_COLUMNS,
        orderBy: 'requested_at, approval_id',
        figures: { granted: "countIf(state IN ('granted', 'released'))", denied: "countIf(state = 'denied')" },
        sample: 'sample-approvals',
      },
      {
        id: 'approvals-bound',
        title: 'Released approvals: quorum, order, reason and bound content',
        among: "state = 'released'",
        exception:
          "length(arrayDistinct(deciders)) < quorum OR decided_at IS NULL OR released_at < decided_at OR released_digest != subject_digest OR has(decision_reasons, '') OR empty(decision_reasons)",
        populationLabel: 'approvals that released a held call',
        exceptionLabel: 'releases below quorum, before the decision, without a reason, or of other content',
        columns: APPROVAL_COLUMNS,
        orderBy: 'requested_at, approval_id',
        sample: 'sample-approvals',
      },
    ],
  ),
  defineChecks(
    {
      id: 'control-checks',
      title: 'Examinations over the control events of the period',
      from: at('control'),
      where: inPeriod('occurred_at'),
    },
    [
      {
        id: 'refused-identities',
        title: 'Callers that were refused for their identity',
        among: "kind = 'identity.refused'",
        exception: "attributes['code'] = ''",
        populationLabel: 'records of refused identities in the period',
        exceptionLabel: 'refusals that do not say why',
        columns: CONTROL_COLUMNS,
        orderBy: 'leaf_index',
        figures: {
          'refusals they stand for': "sumIf(toUInt64OrZero(attributes['count']), kind = 'identity.refused')",
          'expired tokens': "countIf(kind = 'identity.refused' AND attributes['code'] = 'token_expired')",
          'invalid or conflicting tokens':
            "countIf(kind = 'identity.refused' AND attributes['code'] IN ('token_invalid', 'token_conflict'))",
          'no credential': "countIf(kind = 'identity.refused' AND attributes['code'] = 'token_missing')",
        },
      },
      {
        id: 'default-deny',
        title: 'Paths and connections outside the configuration',
        among: "kind = 'path.refused'",
        exception: "outcome = 'success'",
        populationLabel: 'calls to a path that is not served',
        exceptionLabel: 'such calls that were let through',
        columns: CONTROL_COLUMNS,
        orderBy: 'leaf_index',
      },
      {
        id: 'changes',
        title: 'Changes to policies, connections and modes',
        among: "kind IN ('policy.published', 'connection.registered', 'mode.changed', 'config.rejected')",
        exception: "kind = 'mode.changed' AND principal_subject = ''",
        populationLabel: 'change events in the period',
        exceptionLabel: 'mode changes that name nobody',
        columns: CONTROL_COLUMNS,
        orderBy: 'leaf_index',
        figures: {
          'policies published': "countIf(kind = 'policy.published')",
          'connections registered': "countIf(kind = 'connection.registered')",
          'modes changed': "countIf(kind = 'mode.changed')",
          'configurations rejected': "countIf(kind = 'config.rejected')",
        },
        sample: 'change-events',
      },
      {
        id: 'recording-failures',
        title: 'Failures of recording and sealing',
        among: "kind IN ('gateway.started', 'gateway.stopped', 'gateway.heartbeat', 'journal.recovered', 'checkpoint.halted')",
        exception: "kind = 'checkpoint.halted'",
        populationLabel: 'signs of life and failure events',
        exceptionLabel: 'events that say the ledger was halted',
        columns: CONTROL_COLUMNS,
        orderBy: 'leaf_index',
        figures: {
          heartbeats: "countIf(kind = 'gateway.heartbeat')",
          starts: "countIf(kind = 'gateway.started')",
          'orderly stops': "countIf(kind = 'gateway.stopped')",
          'recoveries of a journal tail': "countIf(kind = 'journal.recovered')",
          'processes that ended without saying so': "countIf(kind = 'epoch.closed' AND attributes['ended'] = 'unannounced')",
          'requests the ledger says got no response': "countIf(kind = 'exchange.aborted')",
        },
      },
      {
        id: 'ledger-access',
        title: 'Reads of the ledger and of packets',
        among: READS,
        exception: "principal_subject = ''",
        populationLabel: 'reads in the period',
        exceptionLabel: 'reads that name nobody',
        columns: CONTROL_COLUMNS,
        orderBy: 'leaf_index',
        figures: {
          'SQL queries': `countIf(kind = 'ledger.queried' AND ${READS})`,
          'refused or failed': `countIf(outcome != 'success' AND ${READS})`,
          'distinct readers': `uniqExactIf((principal_issuer, principal_subject), ${READS})`,
        },
        sample: 'access-readers',
      },
    ],
  ),
];
