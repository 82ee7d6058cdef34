import { readFile } from 'node:fs/promises';
import { AffiantError } from '#errors';
import { checkPolicyFile } from '#policy';
import { printJson } from '../output.js';
import { common, type AddCommand, type CommonOptions } from './options.js';

export const addPolicy: AddCommand = (program, finding) => {
  const policy = program.command('policy').description('Policies, without a running instance');

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
};

/** @throws AffiantError usage_invalid */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'the file cannot be read', { where: file, cause, remedy: 'Name an existing, readable file.' });
  }
}
