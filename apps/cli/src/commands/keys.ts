import { createServiceKey } from '#identity';
import { printJson } from '../output.js';
import { common, type AddCommand, type CommonOptions } from './options.js';

const collect = (value: string, before: string[]): string[] => [...before, value];

export const addKeys: AddCommand = (program) => {
  const key = program.command('service-key').description('Keys for machines that have no OIDC');

  common(key.command('create'))
    .description('Print a new key once, with the entry for identity.service_keys that knows only its hash')
    .requiredOption('--name <name>', 'name of the machine')
    .requiredOption('--group <name>', 'a group of the key; may be given again', collect, [])
    .option('--days <n>', 'lifetime in days', '90')
    .action((options: CommonOptions & { name: string; group: string[]; days: string }) => {
      const { key: secret, hash } = createServiceKey();
      const expires = new Date(Date.now() + Number(options.days) * 86_400_000).toISOString();
      const entry = { name: options.name, hash, groups: options.group, expires };
      if (options.json === true) printJson({ key: secret, entry });
      else process.stdout.write(`${secret}\n\n# add to identity.service_keys:\n- ${JSON.stringify(entry)}\n`);
    });
};
