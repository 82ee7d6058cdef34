import { at, defineCheck, inPeriod, instant, type CheckGroup } from './check.js';

/** Limit of gate G4, in microseconds. */
export const CLOCK_LIMIT_US = 1_000_000;

const events = {
  from: at('events'),
  where: inPeriod('occurred_at'),
  columns: {
    event_id: 'event_id',
    source_id: 'source_id',
    seq: 'seq',
    event_type: 'event_type',
    occurred: instant('occurred_at'),
    ingested: instant('ingested_at'),
    clock_offset_us: 'clock_offset_us',
    leaf_index: 'leaf_index',
  },
  orderBy: 'source_id, seq',
} as const;

/** Facets of AU-3: what, when, where, source, outcome, who. */
const MISSING_FIELDS = [
  "event_id = ''",
  "source_id = ''",
  "build = ''",
  'toUnixTimestamp64Micro(occurred_at) = 0',
  "(event_type IN ('request', 'response', 'decision') AND exchange_id = '')",
  "(event_type = 'request' AND (principal_subject IN ('', 'unknown') OR principal_issuer = '' OR connection = ''))",
  "(event_type = 'response' AND JSONExtractString(data, 'outcome') = '')",
  "(event_type = 'decision' AND JSONExtractString(data, 'verdict') = '')",
  "(event_type = 'control' AND (JSONExtractString(data, 'kind') = '' OR JSONExtractString(data, 'outcome') = ''))",
].join('\n    OR ');

/** The record of records: what the gates and the audit family rest on. */
export const LEDGER_CHECKS: readonly CheckGroup[] = [
  defineCheck({
    ...events,
    id: 'record-fields',
    title: 'Mandatory fields of every event',
    populationLabel: 'events in the period',
    exceptionLabel: 'events with an empty mandatory field',
    exception: MISSING_FIELDS,
    sample: 'event-types',
  }),
  defineCheck({
    ...events,
    id: 'clock',
    title: 'Clock offset and order of time',
    populationLabel: 'events in the period',
    exceptionLabel: 'events beyond the clock limit of 1 s, or ingested before they occurred',
    exception: `abs(clock_offset_us) > ${CLOCK_LIMIT_US} OR occurred_at > ingested_at + INTERVAL ${CLOCK_LIMIT_US / 1_000_000} SECOND`,
    figures: {
      'median offset, microseconds': 'quantileExactLow(0.5)(abs(clock_offset_us))',
      'p99 offset, microseconds': 'quantileExactLow(0.99)(abs(clock_offset_us))',
      'largest offset, microseconds': 'max(abs(clock_offset_us))',
      'p99 time to ingestion, microseconds':
        'quantileExactLow(0.99)(greatest(0, toUnixTimestamp64Micro(ingested_at) - toUnixTimestamp64Micro(occurred_at)))',
    },
    sample: 'metric-clock',
  }),
  defineCheck({
    id: 'event-coverage',
    title: 'Event types that should have been seen',
    from: `(
  SELECT
    countIf(event_type = 'request') AS requests, countIf(event_type = 'decision') AS decisions,
    countIf(event_type = 'response') AS responses, countIf(event_type = 'control') AS controls,
    countIf(event_type IN ('dead_letter', 'undecodable')) AS unreadable, count() AS events
  FROM ${at('events')}
  WHERE ${inPeriod('occurred_at')}
) AS seen
ARRAY JOIN ['request', 'decision', 'response', 'control', 'unreadable'] AS event_type,
  [requests, decisions, responses, controls, unreadable] AS seen_events`,
    where: "events > 0 AND (event_type != 'unreadable' OR seen_events > 0)",
    exception:
      "(event_type = 'unreadable') OR (event_type IN ('decision', 'response') AND seen_events = 0 AND requests > 0) OR (event_type = 'control' AND seen_events = 0)",
    populationLabel: 'selected event types',
    exceptionLabel: 'types never seen while their feature was used, or unreadable events',
    columns: { event_type: 'event_type', seen_events: 'seen_events' },
    orderBy: 'event_type',
    sample: 'event-types',
  }),
  defineCheck({
    id: 'record-extras',
    title: 'Additional fields of decisions',
    from: at('decisions'),
    where: inPeriod('occurred_at'),
    exception: "policy_version = '' OR policy_digest = '' OR (kind LIKE 'approval_%' AND approval_id = '')",
    populationLabel: 'decision events in the period',
    exceptionLabel: 'decisions without policy version, policy digest or approval id',
    columns: { event_id: 'event_id', exchange_id: 'exchange_id', kind: 'kind', verdict: 'verdict', leaf_index: 'leaf_index' },
    orderBy: 'leaf_index',
    sample: 'sample-decisions',
  }),
  defineCheck({
    ...events,
    id: 'retention',
    title: 'Oldest and newest record',
    where: 'occurred_at < {to}',
    populationLabel: 'events from the first to the end of the period',
    exceptionLabel: 'events without a position in the tree that are no checkpoint',
    exception: "leaf_index IS NULL AND event_type != 'checkpoint' AND topic != 'affiant.checkpoint.v1'",
    figures: { 'days covered': "dateDiff('day', min(occurred_at), max(occurred_at))" },
  }),
  defineCheck({
    id: 'reproduction',
    title: 'Packets that were made more than once',
    from: `(
  SELECT attributes['framework'] AS framework, attributes['from'] AS period_from, attributes['to'] AS period_to,
    attributes['tree_size'] AS size, count() AS runs, uniqExact(attributes['sha256']) AS digests
  FROM ${at('control')}
  WHERE kind = 'packet.created' AND outcome = 'success' AND attributes['status'] = 'done'
  GROUP BY framework, period_from, period_to, size
) AS made`,
    where: '1 = 1',
    exception: 'digests > 1',
    populationLabel: 'distinct packets recorded before this one',
    exceptionLabel: 'packets that came out different for the same snapshot and period',
    columns: { framework: 'framework', period_from: 'period_from', period_to: 'period_to', size: 'size', runs: 'runs', digests: 'digests' },
    orderBy: 'period_from, framework, size',
  }),
];
