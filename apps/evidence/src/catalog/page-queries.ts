import { at, inPeriod, instant } from './check.js';
import type { QueryTemplate } from './control.js';

const sampled = (id: string): string => `ORDER BY sipHash64(${id})\nLIMIT 5`;

/** What the descriptive pages show: scope, metrics, approvals, change. */
export const PAGE_QUERIES: readonly QueryTemplate[] = [
  {
    id: 'scope-totals',
    title: 'What the period holds',
    sql: `SELECT count() AS exchanges, uniqExactIf(session_id, session_id != '') AS sessions, uniqExact(principal_issuer, principal_subject) AS principals,
  uniqExact(connection) AS connections, uniqExactIf(model, ifNull(model, '') != '') AS models, toUInt64(ifNull(sum(input_tokens), 0)) AS input_tokens, toUInt64(ifNull(sum(output_tokens), 0)) AS output_tokens
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}`,
  },
  {
    id: 'scope-connections',
    title: 'Connections in use',
    sql: `SELECT connection, protocol, count() AS exchanges, uniqExact(principal_issuer, principal_subject) AS principals,
  countIf(ifNull(upstream_status, 0) >= 400) AS upstream_errors, ${instant('min(started_at)')} AS first_use, ${instant('max(started_at)')} AS last_use
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}
GROUP BY connection, protocol
ORDER BY exchanges DESC, connection
LIMIT 60`,
  },
  {
    id: 'scope-models',
    title: 'Models called',
    sql: `SELECT if(ifNull(model, '') = '', '(none named)', model) AS model_named, connection, count() AS exchanges, countIf(outcome NOT IN ('completed', '')) AS not_completed,
  toUInt64(ifNull(sum(input_tokens), 0)) AS input_tokens, toUInt64(ifNull(sum(output_tokens), 0)) AS output_tokens
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}
GROUP BY model_named, connection
ORDER BY exchanges DESC, model_named, connection
LIMIT 60`,
  },
  {
    id: 'scope-principals',
    title: 'Principals seen (first 60 by use)',
    sql: `SELECT principal_subject, principal_kind, principal_issuer, count() AS exchanges, ${instant('min(started_at)')} AS first_seen, ${instant('max(started_at)')} AS last_seen
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}
GROUP BY principal_subject, principal_kind, principal_issuer
ORDER BY exchanges DESC, principal_subject, principal_issuer
LIMIT 60`,
  },
  {
    id: 'scope-builds',
    title: 'Programs that wrote the records',
    sql: `SELECT source_id, build, count() AS events, ${instant('min(occurred_at)')} AS first_event, ${instant('max(occurred_at)')} AS last_event
FROM ${at('events')}
WHERE ${inPeriod('occurred_at')}
GROUP BY source_id, build
ORDER BY source_id, build
LIMIT 60`,
  },
  {
    id: 'event-types',
    title: 'Events by type',
    sql: `SELECT event_type, count() AS events, uniqExact(source_id) AS sources, ${instant('min(occurred_at)')} AS first_event, ${instant('max(occurred_at)')} AS last_event
FROM ${at('events')}
WHERE ${inPeriod('occurred_at')}
GROUP BY event_type
ORDER BY event_type`,
  },
  {
    id: 'drills',
    title: 'Drills and probes that ran',
    sql: `SELECT ifNull(subject, '') AS drill, count() AS runs, countIf(outcome = 'success') AS passed, ${instant('max(occurred_at)')} AS last_run
FROM ${at('control')}
WHERE ${inPeriod('occurred_at')} AND kind = 'drill.run'
GROUP BY drill
ORDER BY drill
LIMIT 60`,
  },
  {
    id: 'metric-requests',
    title: 'Requests over time by verdict',
    sql: `SELECT formatDateTime({bucket:started_at}, '%Y-%m-%d %H:%i', 'UTC') AS bucket, count() AS requests,
  countIf(verdict = 'allow') AS allowed, countIf(verdict = 'mask') AS masked, countIf(verdict = 'hold') AS held, countIf(verdict = 'block') AS blocked,
  countIf(verdict NOT IN ('allow', 'mask', 'hold', 'block')) AS undecided
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}
GROUP BY bucket
ORDER BY bucket
LIMIT 400`,
  },
  {
    id: 'metric-decisions',
    title: 'Decision mix by phase',
    sql: `SELECT phase, verdict, count() AS decisions
FROM ${at('decisions')}
WHERE ${inPeriod('occurred_at')} AND kind = 'verdict'
GROUP BY phase, verdict
ORDER BY phase, verdict`,
  },
  {
    id: 'metric-approvals',
    title: 'Time from request to decision of approvals',
    sql: `SELECT bound.2 AS up_to_seconds, countIf(wait_s > bound.1 AND wait_s <= bound.2) AS decided
FROM (
  SELECT intDiv(toUnixTimestamp64Micro(assumeNotNull(decided_at)) - toUnixTimestamp64Micro(requested_at), 1000000) AS wait_s
  FROM ${at('approvals')}
  WHERE ${inPeriod('requested_at')} AND decided_at IS NOT NULL
) AS waits
ARRAY JOIN [(-1, 5), (5, 15), (15, 60), (60, 300), (300, 900), (900, 3600), (3600, 100000000)] AS bound
GROUP BY up_to_seconds
ORDER BY up_to_seconds`,
  },
  {
    id: 'approval-states',
    title: 'Approvals by policy and state',
    sql: `SELECT arrayStringConcat(policies, ', ') AS policy, approver_group, count() AS asked, countIf(state = 'released') AS released, countIf(state = 'granted') AS granted_unused,
  countIf(state = 'denied') AS denied, countIf(state = 'expired') AS expired, countIf(state = 'pending') AS pending
FROM ${at('approvals')}
WHERE ${inPeriod('requested_at')}
GROUP BY policy, approver_group
ORDER BY asked DESC, policy, approver_group
LIMIT 60`,
  },
  {
    id: 'approval-times',
    title: 'Waiting time of decided approvals',
    sql: `SELECT count() AS decided, toUInt64(quantileExactLow(0.5)(wait_ms)) AS p50_ms, toUInt64(quantileExactLow(0.95)(wait_ms)) AS p95_ms, toUInt64(max(wait_ms)) AS longest_ms
FROM (
  SELECT intDiv(toUnixTimestamp64Micro(assumeNotNull(decided_at)) - toUnixTimestamp64Micro(requested_at), 1000) AS wait_ms
  FROM ${at('approvals')}
  WHERE ${inPeriod('requested_at')} AND decided_at IS NOT NULL
)`,
  },
  {
    id: 'metric-masks',
    title: 'Masked values by entity',
    sql: `SELECT entity, sumIf(\`count\`, direction = 'request') AS in_requests, sumIf(\`count\`, direction = 'response') AS in_responses, uniqExact(exchange_id) AS exchanges
FROM ${at('masks')}
WHERE ${inPeriod('occurred_at')}
GROUP BY entity
ORDER BY in_requests + in_responses DESC, entity
LIMIT 40`,
  },
  {
    id: 'masks-by-connection',
    title: 'Masked values by entity and connection',
    sql: `SELECT entity, connection, policy, sum(\`count\`) AS values_masked, uniqExact(exchange_id) AS exchanges
FROM ${at('masks')}
WHERE ${inPeriod('occurred_at')}
GROUP BY entity, connection, policy
ORDER BY values_masked DESC, entity, connection, policy
LIMIT 60`,
  },
  {
    id: 'metric-clock',
    title: 'Clock offset over time',
    sql: `SELECT formatDateTime({bucket:occurred_at}, '%Y-%m-%d %H:%i', 'UTC') AS bucket, count() AS events,
  toUInt64(quantileExactLow(0.5)(abs(clock_offset_us))) AS p50_us, toUInt64(quantileExactLow(0.99)(abs(clock_offset_us))) AS p99_us, toUInt64(max(abs(clock_offset_us))) AS largest_us
FROM ${at('events')}
WHERE ${inPeriod('occurred_at')}
GROUP BY bucket
ORDER BY bucket
LIMIT 400`,
  },
  {
    id: 'change-policies',
    title: 'Policies published up to the end of the period',
    sql: `SELECT ${instant('occurred_at')} AS published, ifNull(subject, '') AS digest, attributes['version'] AS version, if(principal_subject = '', '(system)', principal_subject) AS by, outcome, leaf_index
FROM ${at('control')}
WHERE kind = 'policy.published' AND occurred_at < {to}
ORDER BY leaf_index DESC
LIMIT 40`,
  },
  {
    id: 'change-events',
    title: 'Changes in the period, holds, and records of the period that retention has dropped',
    sql: `SELECT ${instant('occurred_at')} AS occurred, kind, outcome, ifNull(subject, '') AS subject, if(principal_subject = '', '(system)', principal_subject) AS by, leaf_index
FROM ${at('control')}
WHERE (${inPeriod('occurred_at')} AND kind IN ('policy.published', 'connection.registered', 'mode.changed', 'config.rejected', 'key.created', 'key.rotated', 'key.retired', 'hold.placed', 'hold.released', 'erasure.done'))
  OR (kind = 'retention.dropped' AND toInt64OrZero(attributes['from_us']) < toUnixTimestamp64Micro({to}) AND toInt64OrZero(attributes['to_us']) >= toUnixTimestamp64Micro({from}))
ORDER BY leaf_index
LIMIT 60`,
  },
  {
    id: 'access-readers',
    title: 'Who read the ledger and packets (first 60 by use)',
    sql: `SELECT principal_subject AS reader, kind, count() AS reads, countIf(outcome != 'success') AS refused_or_failed, ${instant('max(occurred_at)')} AS last_read
FROM ${at('access')}
WHERE ${inPeriod('occurred_at')} AND attributes['status'] != 'started'
GROUP BY reader, kind
ORDER BY reads DESC, reader, kind
LIMIT 60`,
  },
  {
    id: 'bypass',
    title: 'What was turned away at the gateway',
    sql: `SELECT kind, attributes['code'] AS code, count() AS events, sum(toUInt64OrZero(attributes['count'])) AS calls, ${instant('max(occurred_at)')} AS last_event
FROM ${at('control')}
WHERE ${inPeriod('occurred_at')} AND kind IN ('path.refused', 'identity.refused')
GROUP BY kind, code
ORDER BY kind, code
LIMIT 60`,
  },
  {
    id: 'sample-exchanges',
    title: 'Sample of exchanges (order of a fixed hash of the id)',
    sql: `SELECT exchange_id, ${instant('started_at')} AS started, connection, principal_subject AS principal, verdict, outcome, request_leaf_index AS leaf_index
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}
${sampled('exchange_id')}`,
  },
  {
    id: 'sample-decisions',
    title: 'Sample of decisions (order of a fixed hash of the id)',
    sql: `SELECT event_id, ${instant('occurred_at')} AS occurred, kind, phase, verdict, arrayStringConcat(policies, ', ') AS policies, leaf_index
FROM ${at('decisions')}
WHERE ${inPeriod('occurred_at')}
${sampled('event_id')}`,
  },
  {
    id: 'sample-approvals',
    title: 'Approvals (first 60 in time)',
    sql: `SELECT approval_id, exchange_id, ${instant('requested_at')} AS requested, requester_subject AS requester, state, arrayStringConcat(deciders, ', ') AS decided_by,
  arrayStringConcat(decision_reasons, '; ') AS reasons, arrayStringConcat(policies, ', ') AS policies
FROM ${at('approvals')}
WHERE ${inPeriod('requested_at')}
ORDER BY requested_at, approval_id
LIMIT 60`,
  },
  {
    id: 'sample-masks',
    title: 'Sample of mask records (order of a fixed hash of the id)',
    sql: `SELECT exchange_id, ${instant('occurred_at')} AS occurred, direction, entity, \`count\` AS values_masked, policy, rule, leaf_index
FROM ${at('masks')}
WHERE ${inPeriod('occurred_at')}
ORDER BY sipHash64(exchange_id, direction, entity, policy)
LIMIT 5`,
  },
  {
    id: 'sample-tools',
    title: 'Tools called (first 60 by use)',
    sql: `SELECT arrayJoin(tool_calls) AS tool, count() AS calls, uniqExact(exchange_id) AS exchanges, uniqExact(principal_subject) AS principals
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}
GROUP BY tool
ORDER BY calls DESC, tool
LIMIT 60`,
  },
  {
    id: 'population-sample',
    title: 'Population file: exchanges of the period (first 5,000 in tree order)',
    sql: `SELECT exchange_id, ${instant('started_at')} AS started, connection, operation, ifNull(model, '') AS model, principal_issuer, principal_subject, verdict, outcome, ifNull(status, 0) AS status,
  request_leaf_index, response_leaf_index
FROM ${at('exchanges')}
WHERE ${inPeriod('started_at')}
ORDER BY request_leaf_index
LIMIT 5000`,
  },
];
