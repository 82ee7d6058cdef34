import { runWitness } from '#apps/witness';
import { EXIT } from '#errors';
import type { AddCommand } from './options.js';

export const addWitness: AddCommand = (program, finding) => {
  program
    .command('witness')
    .description('Run a witness: cosign the checkpoints of the logs in the section `witness` (docs/guide/run-a-witness.md)')
    .requiredOption('--config <file>', 'configuration with the section `witness`')
    .option('--state <directory>', 'its key and the heads it has cosigned; must never be set back', './var/witness')
    .option('--keys <directory>', 'where its key is mounted; default: keys/ in the state directory')
    .action(async ({ config, state, keys }: { config: string; state: string; keys?: string }) => {
      const code = await runWitness(['--config', config, '--state', state, ...(keys === undefined ? [] : ['--keys', keys])]);
      if (code !== EXIT.done) finding(code);
    });
};
