import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rebuilt } from '#apps/ledger';
import { ContentOpener, type ContentKeys } from '#content-keys';
import { defaultConfig, loadConfig, resolveSecret, type AffiantConfig } from '#config';
import { AffiantError, isAffiantError } from '#errors';
import { EventCodec, SystemClock } from '#events';
import type { EventLog } from '#event-log';
import type { LedgerStore } from '#ledger-store';
import { createLogger } from '#observability';
import { parseVkey, readRing } from '#signing';
import type { CheckpointStore, TileStore } from '#tlog';
import { contentOf, isStandalone, journalLog, kafkaLog, ownEngine } from './ledger-parts.js';
import { serverStore } from './server-store.js';

export interface RebuildCommand {
  readonly config?: string;
  readonly state: string;
  readonly journals?: string;
}

/** What a rebuild works on, opened; `close` ends it. */
interface Parts {
  readonly eventLog: EventLog;
  readonly store: LedgerStore;
  readonly contentKeys: ContentKeys;
  readonly tiles: TileStore;
  readonly checkpoints: CheckpointStore;
  close(): Promise<void>;
}

/**
 * Rebuilds the ledger store of an installation. The group is named by the empty table it fills: the same again goes on where an interruption left
 * it, and a store that was emptied once more begins anew.
 * @throws AffiantError state_locked while the instance runs (standalone); config_invalid; ledger_conflict; engine_failed
 */
export async function rebuildAt(command: RebuildCommand, progress: (step: string) => void): Promise<Rebuilt> {
  const { rebuildGroup, rebuildLedger } = await import('#apps/ledger');
  const config = command.config === undefined ? defaultConfig() : await loadConfig(command.config);
  const parts = isStandalone(config) ? await standalone(command, config, progress) : await distributed(command, config);
  try {
    const [table] = await parts.store.query<{ uuid: string }>(
      "SELECT toString(uuid) AS uuid FROM system.tables WHERE database = 'ledger' AND name = 'events'",
    );
    if (table === undefined)
      throw new AffiantError('config_invalid', 'the ledger store has no tables', { remedy: 'Run `affiant ledger migrate` first.' });
    const { eventLog, store, contentKeys, tiles, checkpoints } = parts;
    return await rebuildLedger({
      eventLog,
      store,
      contentKeys,
      tiles,
      checkpoints,
      vkeys: await vkeysOf(command.state),
      codec: new EventCodec(),
      clock: new SystemClock(),
      logger: createLogger('rebuild', { level: 'error' }),
      group: rebuildGroup(table.uuid),
      progress,
    });
  } finally {
    await parts.close();
  }
}

/** Everything of `npm start` in one state directory, with the engine started for as long as this takes. */
async function standalone(
  { state: directory, journals }: RebuildCommand,
  { sealing }: AffiantConfig,
  progress: (step: string) => void,
): Promise<Parts> {
  const { FileCheckpointStore, FileTileStore } = await import('#tlog');
  const { state, store, close } = await ownEngine(directory, progress);
  await store.migrate();
  const eventLog = await journalLog(journals ?? state.path('journal'), directory, join(directory, 'keys'));
  const content = await contentOf({ directory: state.path('catalogue') }, join(directory, 'keys'), sealing);
  return {
    eventLog,
    store,
    contentKeys: new ContentOpener(content.book, content.wrapper),
    tiles: new FileTileStore(state.path('tiles')),
    checkpoints: new FileCheckpointStore(state.path('checkpoint.json')),
    close: async () => {
      await eventLog.close();
      await content.close();
      await close();
    },
  };
}

async function distributed({ state, journals }: RebuildCommand, config: AffiantConfig): Promise<Parts> {
  const { clickhouse, postgres, object_store, kafka, ledger, sealing } = config;
  if (clickhouse === undefined || postgres === undefined || object_store === undefined || (kafka === undefined && journals === undefined)) {
    throw new AffiantError('config_invalid', 'a rebuild needs the sections clickhouse, postgres, object_store and kafka (or --journals)');
  }
  const [{ openObjectStore }, { PostgresCheckpointStore, S3TileStore }] = await Promise.all([import('#service'), import('#tlog')]);
  const store = await serverStore(clickhouse, clickhouse.writer);
  const objects = await openObjectStore(object_store, new SystemClock(), createLogger('rebuild', { level: 'error' }));
  const url = await resolveSecret(postgres.url);
  const checkpoints = new PostgresCheckpointStore({ url, log: ledger.origin });
  const content = await contentOf({ url, pool: 2 }, join(state, 'keys'), sealing);
  const eventLog =
    journals === undefined ? await kafkaLog(kafka as NonNullable<typeof kafka>) : await journalLog(journals, state, join(state, 'keys'));
  return {
    eventLog,
    store,
    contentKeys: new ContentOpener(content.book, content.wrapper),
    tiles: new S3TileStore(objects),
    checkpoints,
    close: async () => {
      await eventLog.close();
      await Promise.all([store.close(), checkpoints.close(), content.close()]);
      objects.close();
    },
  };
}

/** The public keys of the log, as they lie beside the others: one, or all of its ring. */
async function vkeysOf(state: string): Promise<readonly string[]> {
  const file = join(state, 'keys', 'ledger.vkey');
  try {
    const vkey = (await readFile(file, 'utf8')).trim();
    const ring = await readRing(join(state, 'keys'), parseVkey(vkey).name);
    return ring?.keys.map((key) => key.vkey) ?? [vkey];
  } catch (cause) {
    if (isAffiantError(cause)) throw cause;
    throw new AffiantError('key_invalid', 'the public key of the log is not there', { where: file, cause });
  }
}
