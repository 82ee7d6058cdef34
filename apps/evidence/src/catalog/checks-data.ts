import { at, CONTROL_COLUMNS, defineCheck, defineChecks, inPeriod, instant, type CheckGroup } from './check.js';

/** Written for the engine's RE2, apart from the gateway's detectors: a second scanner must not share the first one's faults. */
const SSN_FORM = String.raw`\\b(00[1-9]|0[1-9][0-9]|[1-578][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])-(0[1-9]|[1-9][0-9])-(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})\\b`;

const bodies = {
  from: at('bodies'),
  where: `exchange_id IN (SELECT exchange_id FROM ${at('exchanges')} WHERE ${inPeriod('started_at')})`,
} as const;

const body = {
  columns: { exchange_id: 'exchange_id', direction: 'direction', original_length: 'original_length', masked_length: 'masked_length' },
  orderBy: 'exchange_id, direction',
} as const;

/** What was let pass, masked, kept; and under which published policy. */
export const DATA_CHECKS: readonly CheckGroup[] = [
  defineChecks({ id: 'body-checks', title: 'Examinations over the kept bodies of the period', ...bodies }, [
    {
      ...body,
      id: 'kept-bodies',
      title: 'Kept bodies and the keyed digest of their originals',
      populationLabel: 'bodies kept for exchanges of the period',
      exceptionLabel: 'changed bodies without a keyed digest of the original',
      exception: "original_length != masked_length AND ifNull(original_digest, '') = ''",
      figures: { 'whole bodies': 'countIf(complete)', 'bodies cut by an early end': 'countIf(NOT complete)' },
    },
    {
      ...body,
      id: 'residual-ssn',
      title: 'Second scan of kept bodies for US social security numbers',
      populationLabel: 'bodies kept for exchanges of the period',
      exceptionLabel: 'bodies with text in the form of a social security number',
      exception: `match(body, '${SSN_FORM}')`,
    },
  ]),
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
