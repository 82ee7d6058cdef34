export { createApprovalDesk, type ApprovalDeskOptions } from './approvals/approval-desk.js';
export { ConsoleModule } from './console.module.js';
export { createConsoleAdapter } from './create-adapter.js';
export {
  DEFAULT_SQL_LIMITS,
  type ConsolePorts,
  type EventTail,
  type PacketDesk,
  type PacketRequest,
  type ReaderGroups,
  type SqlLimits,
  type StatusReport,
  type StatusSource,
  type TailedEvent,
  type TailOptions,
} from './ports.js';
export { timestampStatus, type AuthorityFacts } from './timestamp-status.js';
export { witnessStatus, type WitnessFacts } from './witness-status.js';
