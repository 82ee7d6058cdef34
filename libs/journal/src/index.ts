export { FileJournal } from './file-journal.js';
export { JournalRecorder, type JournalRecorderOptions } from './journal-recorder.js';
export { findOpenExchanges, OpenExchangeScan, type OpenExchange } from './open-exchanges.js';
export { openJournal, type JournalOptions, type OpenedJournal } from './open-journal.js';
export { JournalReader, type JournalReaderOptions, type ReadLimits } from './reader.js';
export { recoverSource, type RecoveredSource, type RecoverOptions } from './recover-source.js';
export { localSegmentFiles, type SegmentFile, type SegmentFiles } from './segment-files.js';
export { addWatermark, createWatermarks, readWatermark, waitForWatermark, type Watermarks } from './watermarks.js';
export type * from './port.js';
