export {
  startEmbeddedEngine,
  type EmbeddedEngine,
  type EmbeddedEngineOptions,
  type EngineExit,
  type EngineLogin,
} from './engine/embedded-engine.js';
export { DEFAULT_LIMITS, type EngineLimits } from './engine/limits.js';
export type * from './port.js';
export { ClickHouseLedgerStore, type ClickHouseLedgerStoreOptions } from './store/clickhouse-ledger-store.js';
export { FakeLedgerStore, type FailableCall } from './testing/fake-ledger-store.js';
