import type { Command } from 'commander';
import { EXIT, errorText, exitCodeOf, isAffiantError } from '#errors';
import { checkContentAt, type CheckContentCommand } from '../ledger-content.js';
import { printJson, say } from '../output.js';
import { reportText } from '../verify/print.js';
import { instant } from './options.js';

interface Options extends CheckContentCommand {
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** `ledger check-content`: exit code 0 for good, 1 for a finding, 2 (3: something does not answer) where anything could not be checked. */
export function addCheckContent(ledger: Command, finding: (exit?: number) => void): void {
  ledger
    .command('check-content')
    .description(
      'Compare the opened text of the ledger store with its events and keys; exit code 1 for a finding, 2 when it could not check',
    )
    .option('--config <file>', 'configuration; without engine sections the state directory is that of `npm start`, which must be stopped')
    .option('--state <dir>', 'state directory', './var')
    .option('--keys <dir>', 'where the content keys are (standalone: journal.key too); default: keys/ in the state directory')
    .option('--from <time>', 'only what happened from this time on')
    .option('--to <time>', 'only what happened before this time')
    .option('--json', 'one JSON document on stdout, progress on stderr')
    .action(async (options: Options) => {
      const { from, to, json } = options;
      const range = { ...(from === undefined ? {} : { from: micros(from) }), ...(to === undefined ? {} : { to: micros(to) }) };
      try {
        const report = await checkContentAt(options, range, say);
        if (json === true) printJson(report);
        else {
          const { finding_count, unchecked_count, findings, unchecked } = report;
          process.stdout.write(reportText({ ...report, bad: [...findings, ...unchecked], bad_count: finding_count + unchecked_count }));
        }
        say(`${report.events} events in ${report.seconds} s, ${report.events_per_second}/s`);
        if (report.finding_count > 0) finding();
        else if (!report.ok) finding(EXIT.usage);
      } catch (error) {
        if (!isAffiantError(error)) throw error;
        process.stderr.write(`affiant: ${errorText(error)}`);
        // A finding is what 1 stands for here, and nothing was found.
        finding(exitCodeOf(error) === EXIT.finding ? EXIT.usage : exitCodeOf(error));
      }
    });
}

const micros = (time: string): number => Date.parse(instant(time)) * 1000;
