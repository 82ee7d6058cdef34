import { readFile } from 'node:fs/promises';
import { AffiantError } from '#errors';
import { checkPolicyFile } from '#policy';
import { Instance } from '../instance.js';
import { printJson, say } from '../output.js';
import { printReport } from '../policy-tryout/print.js';
import { tryPolicy } from '../policy-tryout/try-policy.js';
import { common, instant, online, type AddCommand, type CommonOptions } from './options.js';

interface TestOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly connection?: string;
  readonly limit: string;
  readonly samples: string;
}

const WEEK_MS = 7 * 86_400_000;
const MOST_EXCHANGES = 100_000;
const MOST_SAMPLES = 100;

export const addPolicy: AddCommand = (program, finding) => {
  const policy = program.command('policy').description('Policies: check a file, try it on the past');

  common(policy.command('check'))
    .description('Check a configuration file; exit code 1 when it cannot be used')
    .argument('<file>')
    .action(async (file: string, options: CommonOptions) => {
      const result = checkPolicyFile(await readText(file));
      if (options.json === true) printJson({ file, ok: result.problems.length === 0, ...result });
      else {
        for (const { line, column, path, message } of result.problems)
          process.stdout.write(`${file}:${line}:${column}: error: ${path === '' ? '' : `${path}: `}${message}\n`);
        for (const { line, column, path, message } of result.warnings)
          process.stdout.write(`${file}:${line}:${column}: warning: ${path === '' ? '' : `${path}: `}${message}\n`);
        if (result.problems.length === 0) process.stdout.write(`${file}: ${result.policies} policies, digest ${result.digest ?? '-'}\n`);
      }
      if (result.problems.length > 0) finding();
    });

  online(policy.command('test'))
    .description(
      'Try a configuration file on exchanges of the past; nothing is changed or published. Exit code 1 when a rule looks too broad',
    )
    .argument('<file>')
    .option('--from <time>', 'UTC, inclusive (default: 7 days before --to)')
    .option('--to <time>', 'UTC, exclusive (default: now)')
    .option('--connection <name>', 'only exchanges of this connection')
    .option('--limit <n>', 'newest exchanges that are tried at most', '2000')
    .option('--samples <n>', 'samples shown of each rule, masked', '3')
    .action(async (file: string, options: TestOptions) => {
      const to = options.to === undefined ? new Date().toISOString() : instant(options.to);
      const period = {
        from: options.from === undefined ? new Date(Date.parse(to) - WEEK_MS).toISOString() : instant(options.from),
        to,
        ...(options.connection === undefined ? {} : { connection: options.connection }),
        limit: wholeNumber('--limit', options.limit, MOST_EXCHANGES),
      };
      const samples = wholeNumber('--samples', options.samples, MOST_SAMPLES);
      const text = await readText(file);
      // Loaded here only: every other command starts without the gateway's code.
      const { builtInProtocols } = await import('#apps/proxy');
      const protocols = new Map(builtInProtocols().map((protocol) => [protocol.name, protocol]));
      const report = await tryPolicy(await Instance.connect(options), { text, file, period, samples, protocols, progress: say });
      if (options.json === true) printJson({ file, ...period, ...report });
      else printReport(report);
      if (report.warnings.length > 0) finding();
    });
};

function wholeNumber(option: string, given: string, most: number): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new AffiantError('usage_invalid', `${option} is not a whole number`, { remedy: `Give a number from 0 to ${most}.` });
  return value;
}

/** @throws AffiantError usage_invalid */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'the file cannot be read', { where: file, cause, remedy: 'Name an existing, readable file.' });
  }
}
