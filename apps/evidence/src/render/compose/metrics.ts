import type { Block, ChartBlock, Section } from '../blocks.js';
import { plainResultTable, resultTable, show, type Context } from './context.js';

function chart(
  context: Context,
  query: string,
  category: string,
  series: Readonly<Record<string, string>>,
  options: Pick<ChartBlock, 'kind' | 'unit'>,
): ChartBlock {
  const records = context.results.records(query);
  const entries = Object.entries(series);
  const sums = entries.map(([label, column]) => `${label} ${records.reduce((sum, row) => sum + Number(row[column] ?? 0), 0)}`);
  const title = context.results.run(query).title;
  const totals = options.kind === 'lines' ? '' : ` Totals: ${sums.join(', ')}.`;
  return {
    t: 'chart',
    title: `${title} [${query}]`,
    ...options,
    categories: records.map((row) => show(row[category] ?? null)),
    series: entries.map(([label, column]) => ({ label, values: records.map((row) => Number(row[column] ?? 0)) })),
    alt: `${title}: ${options.kind === 'lines' ? 'line' : 'bar'} chart with ${records.length} points of ${entries.map(([label]) => label).join(', ')}.${totals} The numbers follow in the table.`,
  };
}

/** Plots, each with its data table; numerator and denominator, no score. */
export function metricsSection(context: Context): Section {
  const has = (query: string): boolean => context.results.run(query).rows.length > 0;
  const plot = (query: string, block: () => ChartBlock): Block[] =>
    has(query) ? [block()] : [{ t: 'paragraph', style: 'muted', text: `${context.results.run(query).title}: nothing in the period.` }];
  return {
    title: 'Metrics',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Metrics' },
      {
        t: 'paragraph',
        text: 'Each plot is drawn from the query in brackets; its table stands below it. Targets are set by management and are not printed where none is configured.',
      },
      { t: 'heading', level: 2, text: 'Requests' },
      ...plot('metric-requests', () =>
        chart(
          context,
          'metric-requests',
          'bucket',
          { allowed: 'allowed', masked: 'masked', held: 'held', blocked: 'blocked', undecided: 'undecided' },
          { kind: 'stacked', unit: 'requests per interval, UTC' },
        ),
      ),
      plainResultTable(context, 'metric-requests', 60),
      { t: 'heading', level: 2, text: 'Decisions' },
      ...plot('metric-decisions', () => decisionMix(context)),
      plainResultTable(context, 'metric-decisions', 60),
      { t: 'heading', level: 2, text: 'Approvals' },
      ...plot('metric-approvals', () => approvalChart(context)),
      plainResultTable(context, 'metric-approvals', 20),
      plainResultTable(context, 'approval-times', 1),
      { t: 'heading', level: 2, text: 'Masked values' },
      ...plot('metric-masks', () =>
        chart(
          context,
          'metric-masks',
          'entity',
          { 'in requests': 'in_requests', 'in responses': 'in_responses' },
          { kind: 'stacked', unit: 'values replaced, by entity type' },
        ),
      ),
      plainResultTable(context, 'metric-masks', 40),
      { t: 'heading', level: 2, text: 'Clock' },
      ...plot('metric-clock', () =>
        chart(
          context,
          'metric-clock',
          'bucket',
          { median: 'p50_us', p99: 'p99_us', largest: 'largest_us' },
          { kind: 'lines', unit: 'absolute clock offset in microseconds per interval, UTC' },
        ),
      ),
      resultTable(context, 'metric-clock', [
        { column: 'bucket', label: 'Interval from', weight: 1.6 },
        { column: 'events', label: 'Events', align: 'right' },
        { column: 'p50_us', label: 'Median, µs', align: 'right' },
        { column: 'p99_us', label: 'p99, µs', align: 'right' },
        { column: 'largest_us', label: 'Largest, µs', align: 'right' },
      ]),
    ],
  };
}

/** One bar per phase, stacked by verdict. */
function decisionMix(context: Context): ChartBlock {
  const records = context.results.records('metric-decisions');
  const phases = [...new Set(records.map((row) => String(row['phase'])))];
  const value = (phase: string, verdict: string): number =>
    Number(records.find((row) => row['phase'] === phase && row['verdict'] === verdict)?.['decisions'] ?? 0);
  const verdicts = ['allow', 'mask', 'hold', 'block'];
  return {
    t: 'chart',
    kind: 'stacked',
    title: `${context.results.run('metric-decisions').title} [metric-decisions]`,
    unit: 'decisions, by phase',
    categories: phases,
    series: verdicts.map((label) => ({ label, values: phases.map((phase) => value(phase, label)) })),
    alt: `Decision mix: ${phases.map((phase) => `${phase}: ${verdicts.map((verdict) => `${verdict} ${value(phase, verdict)}`).join(', ')}`).join('; ')}.`,
  };
}

function approvalChart(context: Context): ChartBlock {
  const records = context.results.records('metric-approvals');
  const labels = records.map((row) =>
    Number(row['up_to_seconds']) > 3600
      ? 'over 1 h'
      : Number(row['up_to_seconds']) >= 60
        ? `≤ ${Number(row['up_to_seconds']) / 60} min`
        : `≤ ${row['up_to_seconds']} s`,
  );
  return {
    t: 'chart',
    kind: 'bars',
    title: `${context.results.run('metric-approvals').title} [metric-approvals]`,
    unit: 'approvals decided, by waiting time',
    categories: labels,
    series: [{ label: 'decided', values: records.map((row) => Number(row['decided'])) }],
    alt: `Waiting time of approvals: ${labels.map((label, index) => `${label}: ${show(records[index]?.['decided'] ?? 0)}`).join(', ')}.`,
  };
}
