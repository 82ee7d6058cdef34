import { join } from 'node:path';
import { makeDirectoryDurably } from '#durable';
import { loadConfig } from '#config';
import { loadOrCreateSecret, openFileSigner } from '#signing';
import { printJson } from '../output.js';
import type { AddCommand } from './options.js';

interface CreateOptions {
  readonly config: string;
  readonly directory: string;
  readonly json?: boolean;
}

/** Which service needs which file; docs/guide/run-distributed.md says it too. */
const HOLDERS = {
  'digest.key': 'every proxy',
  'placeholder.key': 'every proxy, console',
  'ledger.key': 'ledger, evidence',
  'ledger.vkey': 'ledger, evidence; and whoever verifies: it is public',
} as const;

export const addInstallationKeys: AddCommand = (program) => {
  program
    .command('keys')
    .description('Keys that the services of one installation share')
    .command('create')
    .description('Make them once; what is there already stays as it is')
    .requiredOption('--config <file>', 'configuration: its ledger.origin is the name of the log key, for ever')
    .requiredOption('--directory <dir>', 'where to put them; from there each service gets what it needs under <state>/keys')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ config: file, directory, json }: CreateOptions) => {
      const { ledger } = await loadConfig(file);
      await makeDirectoryDurably(directory, 0o700);
      await loadOrCreateSecret(join(directory, 'digest.key'));
      await loadOrCreateSecret(join(directory, 'placeholder.key'));
      const { vkey } = await openFileSigner({ directory, file: 'ledger', name: ledger.origin });
      if (json === true) return printJson({ directory, vkey, files: HOLDERS });
      const lines = Object.entries(HOLDERS).map(([name, holders]) => `  ${join(directory, name).padEnd(40)} ${holders}`);
      process.stdout.write(`${lines.join('\n')}\n\n${vkey}\n`);
    });
};
