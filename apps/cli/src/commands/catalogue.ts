import type { FindFile, Rebuilt } from '#catalogue';
import { loadConfig, resolveSecret, type ClickHouseConfig, type ObjectStoreConfig } from '#config';
import { AffiantError } from '#errors';
import { EventCodec } from '#events';
import type { ClickHouseLedgerStore } from '#ledger-store';
import { createLogger } from '#observability';
import { printJson } from '../output.js';
import type { AddCommand } from './options.js';

interface RebuildCommand {
  readonly config: string;
  readonly keepUnfinished?: boolean;
  readonly json?: boolean;
}

export const addCatalogue: AddCommand = (program) => {
  const catalogue = program.command('catalogue').description('The catalogue of distributed mode (PostgreSQL), offline');

  catalogue
    .command('rebuild')
    .description('Rebuild approvals and packets from the ledger; stop the services first (docs/reference/stores.md)')
    .requiredOption('--config <file>', 'configuration file with the sections postgres and clickhouse')
    .option('--keep-unfinished', 'approvals nobody ended stay open; only when every source is in the ledger up to its end')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: RebuildCommand) => {
      const rebuilt = await rebuild(options);
      if (options.json === true) return printJson(rebuilt);
      const left = rebuilt.incomplete === 0 ? '' : `; ${rebuilt.incomplete} left out, because the ledger has not their first event`;
      process.stdout.write(
        `${rebuilt.approvals} approvals, ${rebuilt.packets} packets, ${rebuilt.holds} holds and ${rebuilt.drops} drops of retention rebuilt${left}\n`,
      );
    });
};

async function rebuild({ config: file, keepUnfinished }: RebuildCommand): Promise<Rebuilt> {
  const config = await loadConfig(file);
  const { postgres, clickhouse } = config;
  if (postgres === undefined || clickhouse === undefined) {
    throw new AffiantError('config_invalid', 'the configuration lacks the section postgres or clickhouse', { where: file });
  }
  // The database libraries are large, and no other command needs them.
  const { catalogueEvents, openCatalogue, rebuildCatalogue } = await import('#catalogue');
  const source = await openCatalogue({ url: await resolveSecret(postgres.url), pool: 2 });
  const store = await ledgerOf(clickhouse);
  const files = await filesOf(config.object_store);
  try {
    return await rebuildCatalogue({
      source,
      events: catalogueEvents(store, new EventCodec()),
      nowMs: Date.now,
      find: files.find,
      unfinished: keepUnfinished === true ? 'keep' : 'expire',
    });
  } finally {
    files.close();
    await store.close();
    await source.destroy();
  }
}

/** As the writer, which may read the raw events; the reading roles take no settings. */
async function ledgerOf({ url, writer, headers = {} }: ClickHouseConfig): Promise<ClickHouseLedgerStore> {
  const { ClickHouseLedgerStore: Store } = await import('#ledger-store');
  const resolved = await Promise.all(Object.entries(headers).map(async ([name, ref]) => [name, await resolveSecret(ref)] as const));
  return new Store({
    url,
    user: writer.user,
    password: await resolveSecret(writer.password),
    headers: Object.fromEntries(resolved),
    flavour: { kind: 'server' },
  });
}

/** Without an object store the packets are rebuilt without path and size. */
async function filesOf(section: ObjectStoreConfig | undefined): Promise<{ readonly find: FindFile; readonly close: () => void }> {
  if (section === undefined) return { find: async () => null, close: () => undefined };
  const [{ openObjectStore }, { findPacketFile }, { S3PacketStore }] = await Promise.all([
    import('#object-store'),
    import('#packet-desk'),
    import('#packet-store'),
  ]);
  const objects = await openObjectStore(section, { nowMs: Date.now, logger: createLogger('affiant', { level: 'warn' }) });
  return { find: findPacketFile(new S3PacketStore(objects)), close: () => objects.close() };
}
