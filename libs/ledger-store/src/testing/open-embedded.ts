import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#observability';
import { startEmbeddedEngine, type EmbeddedEngine } from '../engine/embedded-engine.js';
import { ClickHouseLedgerStore } from '../store/clickhouse-ledger-store.js';

export interface OpenEmbedded {
  readonly directory: string;
  readonly engine: EmbeddedEngine;
  readonly store: ClickHouseLedgerStore;
  readonly close: () => Promise<void>;
}

/** An engine with a migrated store in a directory of its own, or in the one given. `close` removes only its own. */
export async function openEmbedded(given?: string): Promise<OpenEmbedded> {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'ledger-'));
  const engine = await startEmbeddedEngine({ stateDirectory: directory, logger: createLogger('test', { level: 'silent' }) });
  const { url, headers } = engine.access;
  const store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
  await store.migrate();
  const close = async (): Promise<void> => {
    await store.close();
    await engine.stop();
    if (given === undefined) rmSync(directory, { recursive: true, force: true });
  };
  return { directory, engine, store, close };
}
