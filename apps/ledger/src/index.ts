export {
  checkContent,
  checkRows,
  contentReport,
  ROW_QUERIES,
  type ContentCheck,
  type ContentCheckOptions,
  type ContentCheckPorts,
  type ContentFinding,
  type ContentRange,
  type ContentReport,
  type ContentWork,
  type LedgerRows,
  type ReadRow,
  type RowsReport,
} from './check/index.js';
export { newestToStamp, openStamps, StampLoop, type AuthorityHealth, type StampHealth, type StampPorts } from './stamp/index.js';
export { AnchorLoop, openAnchor, type AnchorHealth, type WitnessHealth } from './anchor/index.js';
export { LedgerService, type LedgerConsumer } from './ledger-service.js';
export { LedgerModule } from './ledger.module.js';
export { PostgresLeadership, type PostgresLeadershipOptions } from './leadership/postgres-leadership.js';
export { recordKeys, type KeyRecording } from './keys/record-keys.js';
export { verifyLastRecord } from './ingest/verify.js';
export {
  GROUPS,
  type Leadership,
  type LedgerGap,
  type LedgerHealth,
  type LedgerOptions,
  type LedgerPorts,
  type LedgerRole,
  type Pause,
  type Term,
} from './ports.js';
export { startLedger, type Ledger } from './start-ledger.js';
export {
  KafkaSink,
  openSiemSinks,
  siemGroup,
  siemGroups,
  siemProbes,
  startFeed,
  type Feed,
  type FeedOptions,
  type FeedPorts,
  type KafkaSinkOptions,
  type OcsfSender,
  type ProbeAnswer,
  type RecordSink,
  type SinkHealth,
} from './feed/index.js';
export { StoredWords, type OwnWord, type OwnWords } from './testify/own-words.js';
export { StoredTrail } from './testify/stored-trail.js';
export type { Trail } from './testify/trail.js';
export { rebuildGroup, rebuildLedger, type Rebuilt, type RebuildPorts } from './rebuild/rebuild.js';
