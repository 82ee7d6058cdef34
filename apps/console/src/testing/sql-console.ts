import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLedgerStore, startEmbeddedEngine, type EmbeddedEngine } from '#ledger-store';
import type { ConsolePorts } from '../ports.js';
import { silentLogger, startConsole, testPorts, type TestPorts } from './fakes.js';

/** The console on a real engine with the documented views, and nothing in them. */
export interface SqlConsole {
  readonly url: string;
  readonly ports: TestPorts;
  readonly engine: EmbeddedEngine;
  readonly store: ClickHouseLedgerStore;
  stop(): Promise<void>;
}

export async function startSqlConsole(change: Partial<ConsolePorts> = {}): Promise<SqlConsole> {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'affiant-sql-'));
  const engine = await startEmbeddedEngine({ stateDirectory, logger: silentLogger });
  const { url, headers } = engine.access;
  const store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
  await store.migrate();
  const ports = testPorts({ engine: () => engine.access, ...change });
  const console = await startConsole(ports);
  return {
    url: console.url,
    ports,
    engine,
    store,
    async stop() {
      await console.app.close();
      await store.close();
      await engine.stop();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}
