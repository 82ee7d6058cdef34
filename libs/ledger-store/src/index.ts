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
export { ClickHouseRetentionStore } from './retention/clickhouse-retention-store.js';
export type * from './retention/port.js';
export type { MaintenanceOptions } from './store/maintenance-client.js';
export { ClickHouseErasureStore } from './erasure/clickhouse-erasure-store.js';
export type * from './erasure/port.js';
export { serverEngineAccess, type ServerLogins } from './server/server-access.js';
export type { Flavour } from './store/flavour.js';
export type { SourceProgress, StoredEvent, StoredEvents } from './stored-log/port.js';
export type { SourceGap } from './stored-log/progress.js';
export { StoredEventLog, type SealedPositions, type StoredEventLogOptions } from './stored-log/stored-event-log.js';
export { FakeLedgerStore, type FailableCall } from './testing/fake-ledger-store.js';
export { ClickHouseOriginalsStore } from './originals/clickhouse-originals-store.js';
export type * from './originals/port.js';
