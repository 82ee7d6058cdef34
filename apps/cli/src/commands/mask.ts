import { createInterface } from 'node:readline';
import { parseConfig } from '#config';
import { maskStreamLines } from '#policy';
import { readText } from './policy.js';
import { common, type AddCommand, type CommonOptions } from './options.js';

export const addMask: AddCommand = (program) => {
  common(program.command('mask'))
    .description(
      'Mask NDJSON {id, text} from stdin; prints {id, text, spans: [{type, start, end, rule, score}]}, offsets in UTF-16 units of the input',
    )
    .option('--policy <file>', 'configuration file (default: the built-in policies)')
    .action(async (options: CommonOptions & { policy?: string }) => {
      const policies = options.policy === undefined ? undefined : parseConfig(await readText(options.policy), options.policy);
      const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
      for await (const line of maskStreamLines(lines, policies === undefined ? {} : { policies })) {
        if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
      }
    });
};
