import { at, CONTROL_COLUMNS, defineCheck, inPeriod, instant, type CheckGroup } from './check.js';

/** Written for the engine's RE2, apart from the gateway's detectors: a second scanner must not share the first one's faults. */
const SSN_FORM = String.raw`\\b(00[1-9]|0[1-9][0-9]|[1-578][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])-(0[1-9]|[1-9][0-9])-(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})\\b`;

const OF_THE_PERIOD = `exchange_id IN (SELECT exchange_id FROM ${at('exchanges')} WHERE ${inPeriod('started_at')})`;

const bodyField = (kind: string, name: string): string => `JSONExtract${kind}(data, 'body', '${name}')`;

/** What was let pass, masked, kept; and under which published policy. */
export const DATA_CHECKS: readonly CheckGroup[] = [
  defineCheck({
    id: 'kept-bodies',
    title: 'Kept bodies and the keyed digest of their originals',
    from: at('events'),
    where: `event_type IN ('request', 'response') AND ${OF_THE_PERIOD}`,
    populationLabel: 'bodies kept for exchanges of the period',
    exceptionLabel: 'changed bodies without a keyed digest of the original',
    exception: `${bodyField('UInt', 'original_length')} != ${bodyField('UInt', 'masked_length')} AND ${bodyField('String', 'original_digest')} = ''`,
    figures: {
      'whole bodies': `countIf(${bodyField('Bool', 'complete')})`,
      'bodies cut by an early end': `countIf(NOT ${bodyField('Bool', 'complete')})`,
    },
    columns: {
      exchange_id: 'exchange_id',
      direction: 'event_type',
      original_length: bodyField('UInt', 'original_length'),
      masked_length: bodyField('UInt', 'masked_length'),
    },
    orderBy: 'exchange_id, event_type, seq',
  }),
  // Over the recorded bytes, each once: putting every body of long conversations together would read the same text again for each turn.
  defineCheck({
    id: 'residual-ssn',
    title: 'Second scan of recorded events for US social security numbers',
    from: at('leaves'),
    where: OF_THE_PERIOD,
    populationLabel: 'recorded events of exchanges of the period',
    exceptionLabel: 'events with text in the form of a social security number',
    exception: `match(raw, '${SSN_FORM}')`,
    columns: { exchange_id: 'exchange_id', source_id: 'source_id', seq: 'seq' },
    orderBy: 'exchange_id, source_id, seq',
  }),
  defineCheck({
    id: 'masked-flows',
    title: 'Masked values and the policy that asked for it',
    from: at('masks'),
    where: inPeriod('occurred_at'),
    exception: "policy = '' OR rule = ''",
    populationLabel: 'mask records in the period',
    exceptionLabel: 'mask records that name no policy or no detector rule',
    columns: {
      exchange_id: 'exchange_id',
      occurred: instant('occurred_at'),
      direction: 'direction',
      entity: 'entity',
      values: '`count`',
      leaf_index: 'leaf_index',
    },
    orderBy: 'leaf_index, entity',
    figures: { 'values masked': 'sum(`count`)', 'entity types': 'uniqExact(entity)', 'exchanges touched': 'uniqExact(exchange_id)' },
    sample: 'sample-masks',
  }),
  defineCheck({
    id: 'connections-registered',
    title: 'Connections used and their registration',
    from: `(
  SELECT connection, count() AS exchanges, min(started_at) AS first_use
  FROM ${at('exchanges')}
  WHERE ${inPeriod('started_at')}
  GROUP BY connection
) AS used`,
    where: '1 = 1',
    exception: `connection NOT IN (SELECT subject FROM ${at('control')} WHERE kind = 'connection.registered')`,
    populationLabel: 'connections used in the period',
    exceptionLabel: 'connections used without a registration event',
    columns: { connection: 'connection', exchanges: 'exchanges', first_use: instant('first_use') },
    orderBy: 'connection',
    figures: { 'exchanges over them': 'sum(exchanges)' },
    sample: 'scope-connections',
  }),
  defineCheck({
    id: 'policy-known',
    title: 'Policy versions that decided, and their publication',
    from: `(
  SELECT policy_digest, any(policy_version) AS version, count() AS decisions, min(occurred_at) AS first_use
  FROM ${at('decisions')}
  WHERE ${inPeriod('occurred_at')} AND policy_digest != ''
  GROUP BY policy_digest
) AS used`,
    where: '1 = 1',
    exception: `policy_digest NOT IN (SELECT subject FROM ${at('control')} WHERE kind = 'policy.published')`,
    populationLabel: 'policy versions that decided in the period',
    exceptionLabel: 'policy versions that were never published in the ledger',
    columns: { policy_digest: 'policy_digest', version: 'version', decisions: 'decisions', first_use: instant('first_use') },
    orderBy: 'first_use',
    figures: { 'decisions under them': 'sum(decisions)' },
    sample: 'change-policies',
  }),
  defineCheck({
    id: 'keys',
    title: 'Key events',
    from: at('control'),
    where: `occurred_at < {to}\n  AND kind LIKE 'key.%'`,
    exception: "outcome != 'success'",
    populationLabel: 'key events up to the end of the period',
    exceptionLabel: 'key events that failed',
    columns: CONTROL_COLUMNS,
    orderBy: 'leaf_index',
  }),
];
