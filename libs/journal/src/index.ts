export { FileJournal } from './file-journal.js';
export { openJournal, type JournalOptions, type OpenedJournal } from './open-journal.js';
export { JournalReader, type JournalReaderOptions, type ReadLimits } from './reader.js';
export { localSegmentFiles, type SegmentFile, type SegmentFiles } from './segment-files.js';
export { addWatermark, createWatermarks, readWatermark, waitForWatermark, type Watermarks } from './watermarks.js';
export type * from './port.js';
