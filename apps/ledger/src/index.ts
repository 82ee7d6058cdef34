export { LedgerService, type LedgerConsumer } from './ledger-service.js';
export { GROUPS, type LedgerHealth, type LedgerOptions, type LedgerPorts, type Pause } from './ports.js';
