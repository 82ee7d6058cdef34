import { join } from 'node:path';
import type { ContentCheckPorts, ContentRange, ContentReport } from '#apps/ledger';
import { defaultConfig, loadConfig, resolveSecret, type AffiantConfig } from '#config';
import { AffiantError } from '#errors';
import { EventCodec } from '#events';
import type { ClickHouseLedgerStore } from '#ledger-store';
import { contentOf, isStandalone, journalLog, kafkaLog, ownEngine } from './ledger-parts.js';
import { serverStore } from './server-store.js';

export interface CheckContentCommand {
  readonly config?: string;
  readonly state: string;
  /** Directory of the keys; default: keys/ in the state directory. */
  readonly keys?: string;
}

interface Opened {
  readonly ports: Omit<ContentCheckPorts, 'codec'> & { readonly store: ClickHouseLedgerStore };
  close(): Promise<void>;
}

const EVERY_MS = 1_000;

/**
 * Compares the opened text of an installation with its events and keys; writes nothing.
 * @throws AffiantError state_locked while the instance runs (standalone); config_invalid; key_invalid; engine_failed; catalogue_failed
 */
export async function checkContentAt(
  command: CheckContentCommand,
  range: ContentRange,
  say: (line: string) => void,
): Promise<ContentReport & { readonly seconds: number; readonly events_per_second: number }> {
  const { checkContent, contentReport } = await import('#apps/ledger');
  const keys = command.keys ?? join(command.state, 'keys');
  const config = command.config === undefined ? defaultConfig() : await loadConfig(command.config);
  const { ports, close } = isStandalone(config) ? await standalone(command.state, keys, config, say) : await distributed(config, keys);
  try {
    if ((await ports.store.pendingMigrations()).length > 0)
      throw new AffiantError('config_invalid', 'the tables are of an earlier release', {
        remedy: 'Let the ledger start once, or run `affiant ledger migrate`.',
      });
    const startedAt = performance.now();
    const rate = (events: number): number => Math.round(events / Math.max(0.001, (performance.now() - startedAt) / 1000));
    let told = startedAt;
    const check = await checkContent(
      { ...ports, codec: new EventCodec() },
      {
        ...range,
        progress: (events, of) => {
          if (performance.now() - told < EVERY_MS) return;
          told = performance.now();
          say(`${events} of ${of} events, ${rate(events)}/s`);
        },
      },
    );
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    return { ...contentReport(check, range), seconds, events_per_second: rate(check.events) };
  } finally {
    await close();
  }
}

/** Everything of `npm start` in one state directory, with the engine started for as long as this takes. */
async function standalone(directory: string, keys: string, { sealing }: AffiantConfig, say: (line: string) => void): Promise<Opened> {
  const { state, store, close } = await ownEngine(directory, say);
  try {
    const content = await contentOf({ directory: state.path('catalogue') }, keys, sealing);
    const eventLog = await journalLog(state.path('journal'), directory, keys);
    return {
      ports: { store, ...content, eventLog },
      close: async () => {
        await eventLog.close();
        await content.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Beside the running services: it reads as the writer does. */
async function distributed({ clickhouse, postgres, kafka, sealing }: AffiantConfig, keys: string): Promise<Opened> {
  if (clickhouse === undefined || postgres === undefined || kafka === undefined)
    throw new AffiantError('config_invalid', 'a check of content needs the sections clickhouse, postgres and kafka');
  const content = await contentOf({ url: await resolveSecret(postgres.url), pool: 2 }, keys, sealing);
  const store = await serverStore(clickhouse, clickhouse.writer);
  const eventLog = await kafkaLog(kafka);
  return {
    ports: { store, ...content, eventLog },
    close: async () => {
      await eventLog.close();
      await Promise.all([store.close(), content.close()]);
    },
  };
}
