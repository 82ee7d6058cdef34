import { printTable } from '../output.js';
import type { Report } from './tally.js';

/** The report for people. */
export function printReport(report: Report & { readonly digest: string }): void {
  const out = (line = ''): void => void process.stdout.write(`${line}\n`);
  out(`${report.exchanges} exchanges tried with the policies of digest ${report.digest}\n`);
  out('verdicts');
  printTable(report.changes, ['recorded', 'candidate', 'exchanges']);
  out('\nrules that would have acted');
  printTable(
    report.rules.map((rule) => ({ ...rule })),
    ['policy', 'action', 'direction', 'entity', 'exchanges', 'values', 'sessions', 'principals'],
  );
  for (const { policy, action, samples } of report.rules) {
    for (const { exchange_id, text } of samples) out(`  ${policy} ${action} ${exchange_id}: ${text}`);
  }
  if (report.unused.length > 0) out(`\nhit by nothing: ${report.unused.join(', ')}`);
  for (const [why, exchanges] of Object.entries(report.unread)) out(`not tried: ${exchanges} (${why})`);
  for (const warning of report.warnings) out(`warning: ${warning}`);
}
