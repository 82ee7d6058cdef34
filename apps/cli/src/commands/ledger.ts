import { loadConfig, type AffiantConfig, type ClickHouseConfig } from '#config';
import { AffiantError } from '#errors';
import { printJson, say } from '../output.js';
import { rebuildAt, type RebuildCommand } from '../ledger-rebuild.js';
import { serverStore } from '../server-store.js';
import { addCheckContent } from './ledger-check-content.js';
import { addExport } from './ledger-export.js';
import type { AddCommand } from './options.js';

interface MigrateCommand {
  readonly config: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

export const addLedger: AddCommand = (program, finding) => {
  const ledger = program.command('ledger').description('The ledger store');
  addExport(ledger);
  addCheckContent(ledger, finding);

  ledger
    .command('migrate')
    .description('Make and extend the tables and views of a ClickHouse server; running it again changes nothing')
    .requiredOption('--config <file>', 'configuration file with clickhouse.migrator')
    .option('--check', 'only name what is pending; exit code 1 when anything is')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ config: file, check, json }: MigrateCommand) => {
      const pending = await migrate(clickhouseOf(await loadConfig(file), file), check === true);
      if (check === true && pending.length > 0) finding();
      if (json === true) return printJson(check === true ? { pending } : { applied: pending });
      const what = check === true ? 'pending' : 'applied';
      process.stdout.write(pending.length === 0 ? 'the tables are as they must be\n' : `${what}: ${pending.join(', ')}\n`);
    });

  ledger
    .command('rebuild')
    .description('Fill an empty ledger store again from the event log, the tiles and the sealed state; stop the ledger first')
    .option('--config <file>', 'configuration of distributed mode; without it the state directory is that of `npm start`')
    .option('--state <dir>', 'state directory, with the keys', './var')
    .option('--journals <dir>', 'read the journals kept there, one directory per source, in place of the event log')
    .option('--json', 'one JSON document on stdout, progress on stderr')
    .action(async (options: RebuildCommand & { readonly json?: boolean }) => {
      const rebuilt = await rebuildAt(options, say);
      if (rebuilt.missingEvents > 0 || rebuilt.returned.length > 0) finding();
      if (options.json === true) return printJson(rebuilt);
      const { size, root, rounds, missingEvents, missingRounds, returned } = rebuilt;
      process.stdout.write(`${size} leaves in ${rounds} rounds restored; the root is the signed one: ${root}\n`);
      if (missingRounds > 0) say(`${missingRounds} checkpoints are no longer retained; their leaves are counted to the next one`);
      for (const { partition, record_class, rows } of returned)
        say(
          `${rows} events of ${partition}/${record_class}, which retention had dropped, are back; its next run drops them again and records it`,
        );
      if (missingEvents > 0) say(`${missingEvents} events of the tree are no longer retained and cannot be queried any more`);
    });
};

/** @returns what was pending. @throws AffiantError config_invalid, engine_failed, ledger_conflict */
async function migrate(config: ClickHouseConfig, onlyCheck: boolean): Promise<string[]> {
  const { migrator } = config;
  if (migrator === undefined) {
    throw new AffiantError('config_invalid', 'the configuration has no clickhouse.migrator', {
      remedy: 'Give this command a file with that login; services do without it (docs/guide/clickhouse.md).',
    });
  }
  const store = await serverStore(config, migrator);
  try {
    const pending = await store.pendingMigrations();
    if (!onlyCheck) await store.migrate();
    return pending.map(({ id, name }) => `${String(id).padStart(4, '0')}_${name}`);
  } finally {
    await store.close();
  }
}

function clickhouseOf({ clickhouse }: AffiantConfig, file: string): ClickHouseConfig {
  if (clickhouse === undefined) throw new AffiantError('config_invalid', 'the configuration has no clickhouse section', { where: file });
  return clickhouse;
}
