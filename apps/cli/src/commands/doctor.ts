import { existsSync } from 'node:fs';
import { defaultConfig, loadConfig } from '#config';
import { EXIT } from '#errors';
import type { CheckResult } from '../doctor/check.js';
import { runChecks } from '../doctor/run-checks.js';
import { printJson } from '../output.js';
import { common, type AddCommand, type CommonOptions } from './options.js';

const DEFAULT_FILE = './affiant.yaml';
const MARK = { ok: 'ok     ', warn: 'WARN   ', fail: 'FAIL   ', skipped: 'skipped' } as const;

export const addDoctor: AddCommand = (program, finding) => {
  common(program.command('doctor'))
    .description('Says what is wrong with this installation and how to mend it; reads only')
    .option(
      '--config <file>',
      'configuration (default: ./affiant.yaml when it is there); one with engine sections is checked as distributed',
    )
    .action(async (options: CommonOptions & { config?: string }) => {
      const file = options.config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
      // A configuration that cannot be used ends here, with every line that is wrong, and exit code 2.
      const config = file === null ? defaultConfig() : await loadConfig(file);
      // Loads the client of every engine: nothing another command should wait for.
      const { checksOf } = await import('../doctor/checks-of.js');
      const results = await runChecks(checksOf(config, options.state));
      if (options.json === true) printJson({ exit: exitOf(results), checks: results });
      else print(results);
      const exit = exitOf(results);
      if (exit !== EXIT.done) finding(exit);
    });
};

export function exitOf(results: readonly CheckResult[]): number {
  if (results.some(({ unreachable }) => unreachable === true)) return EXIT.unreachable;
  return results.some(({ status }) => status === 'fail') ? EXIT.finding : EXIT.done;
}

function print(results: readonly CheckResult[]): void {
  const width = Math.max(...results.map(({ title }) => title.length));
  for (const { status, title, detail, remedy } of results) {
    process.stdout.write(`${MARK[status]} ${title.padEnd(width)}  ${detail}\n`);
    if (remedy !== undefined && remedy !== '') process.stdout.write(`${' '.repeat(width + 10)}-> ${remedy}\n`);
  }
  const count = (status: CheckResult['status']): number => results.filter((result) => result.status === status).length;
  process.stdout.write(`${count('fail')} to mend, ${count('warn')} to look at, ${count('ok')} in order, ${count('skipped')} not checked\n`);
}
