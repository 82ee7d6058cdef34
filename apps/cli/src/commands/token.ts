import { developmentToken } from '../instance.js';
import { printJson } from '../output.js';
import { common, type AddCommand, type CommonOptions } from './options.js';

const collect = (value: string, before: string[]): string[] => [...before, value];

export const addToken: AddCommand = (program) => {
  common(program.command('token'))
    .description('Print an access token of the development issuer')
    .requiredOption('--subject <name>', 'who the token is for')
    .option('--group <name>', 'a group of the subject; may be given again', collect, [])
    .option('--ttl <seconds>', 'lifetime', (value) => Number(value))
    .action(async (options: CommonOptions & { subject: string; group: string[]; ttl?: number }) => {
      const token = await developmentToken(options.state, {
        subject: options.subject,
        groups: options.group,
        ...(options.ttl === undefined ? {} : { ttl: options.ttl }),
      });
      if (options.json === true) printJson({ token });
      else process.stdout.write(`${token}\n`);
    });
};
