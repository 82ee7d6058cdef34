import { join } from 'node:path';
import type { ContentWork } from '#apps/ledger';
import type { CatalogueLocation } from '#catalogue';
import type { KeyBook, KeyWrapper } from '#content-keys';
import type { AffiantConfig, SealingConfig } from '#config';
import type { EventLog } from '#event-log';
import type { ClickHouseLedgerStore } from '#ledger-store';
import { createLogger } from '#observability';
import type { State } from '#service';
import { loadSecret } from '#signing';

/** What a configuration without engine sections is of. */
export const isStandalone = ({ clickhouse, postgres, object_store, kafka }: AffiantConfig): boolean =>
  [clickhouse, postgres, object_store, kafka].every((section) => section === undefined);

/** The state directory of a standalone installation, and its engine for as long as a command takes. */
export interface OwnEngine {
  readonly state: State;
  /** Not migrated. */
  readonly store: ClickHouseLedgerStore;
  close(): Promise<void>;
}

/** @throws AffiantError state_locked while the instance runs; engine_failed */
export async function ownEngine(directory: string, progress: (step: string) => void): Promise<OwnEngine> {
  const [{ State: Directory }, { ClickHouseLedgerStore: Store, startEmbeddedEngine }] = await Promise.all([
    import('#service'),
    import('#ledger-store'),
  ]);
  const state = await Directory.open(directory);
  const engine = await startEmbeddedEngine({
    stateDirectory: state.directory,
    logger: createLogger('engine', { level: 'error' }),
    progress,
  }).catch(async (error: unknown) => {
    await state.close();
    throw error;
  });
  const { url, headers } = engine.access;
  const store = new Store({ url, headers, ...engine.writer, migrator: engine.migrator });
  return {
    state,
    store,
    close: async () => {
      await store.close();
      await engine.stop();
      await state.close();
    },
  };
}

/** What the catalogue says of sealed content, and what wraps its keys. */
export interface Content {
  readonly book: KeyBook;
  readonly wrapper: KeyWrapper;
  readonly work: ContentWork;
  close(): Promise<void>;
}

/** @param keys directory of the keys that are no KMS's. @throws AffiantError key_invalid, catalogue_failed */
export async function contentOf(location: CatalogueLocation, keys: string, sealing: SealingConfig): Promise<Content> {
  const [{ openCatalogue, TypeormErasureBook, TypeormHoldBook, TypeormKeyBook }, { openContentWrapper }] = await Promise.all([
    import('#catalogue'),
    import('#service'),
  ]);
  const wrapper = await openContentWrapper(sealing, keys, true);
  const catalogue = await openCatalogue(location);
  const [erasures, holds] = [new TypeormErasureBook(catalogue), new TypeormHoldBook(catalogue)];
  return {
    book: new TypeormKeyBook(catalogue),
    wrapper,
    work: {
      erasing: async (id) => (await erasures.get(id))?.state === 'erasing',
      dropping: async () => (await holds.drops(['dropping'], 1)).length > 0,
    },
    close: () => catalogue.destroy(),
  };
}

export async function kafkaLog(config: NonNullable<AffiantConfig['kafka']>): Promise<EventLog> {
  const { KafkaEventLog, kafkaConnection, resolveKafkaSecrets } = await import('#event-log');
  return new KafkaEventLog({ connection: kafkaConnection(config, await resolveKafkaSecrets(config)) });
}

/** Journals as they lie in `directory`; the offsets of groups are those of the state directory. @param keys directory of the keys */
export async function journalLog(directory: string, state: string, keys: string): Promise<EventLog> {
  const { EmbeddedEventLog } = await import('#event-log');
  const key = await loadSecret(join(keys, 'journal.key'));
  return new EmbeddedEventLog({ journalDirectory: directory, groupsDirectory: join(state, 'groups'), key });
}
