import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLedgerStore, startEmbeddedEngine, type EngineAccess, type EngineLogin } from '#ledger-store';
import { createLogger } from '#observability';
import type { Signer } from '#signing';
import { ClickHouseQueryRunner } from '../collect/clickhouse-runner.js';
import { LedgerWorld, memorySigner } from './ledger-world.js';
import { playScenario, SCENARIO, type ScenarioOptions } from './scenario.js';

export interface OpenLedger {
  readonly access: EngineAccess;
  readonly writer: EngineLogin;
  readonly store: ClickHouseLedgerStore;
  readonly runner: ClickHouseQueryRunner;
  readonly signer: Signer;
  readonly treeSize: number;
  readonly directory: string;
  close(): Promise<void>;
}

/** A real engine with a sealed scenario in it. */
export async function openLedger(options: ScenarioOptions = {}): Promise<OpenLedger> {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-evidence-'));
  const engine = await startEmbeddedEngine({ stateDirectory: directory, logger: createLogger('test', { level: 'silent' }) });
  const { url, headers } = engine.access;
  const store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
  await store.migrate();
  const signer = memorySigner();
  const world = new LedgerWorld(signer);
  playScenario(world, options);
  const { treeSize } = await world.seal(store, Date.parse(SCENARIO.to) * 1000 + 2_000_000);
  return {
    access: engine.access,
    writer: engine.writer,
    store,
    runner: new ClickHouseQueryRunner(() => engine.access),
    signer,
    treeSize,
    directory,
    close: async () => {
      await store.close();
      await engine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
