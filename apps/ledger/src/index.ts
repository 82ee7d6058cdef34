export { LedgerService, type LedgerConsumer } from './ledger-service.js';
export { LedgerModule } from './ledger.module.js';
export { GROUPS, type LedgerHealth, type LedgerOptions, type LedgerPorts, type Pause } from './ports.js';
export { startLedger, type Ledger } from './start-ledger.js';
