export { checkHead, type CheckedHead } from './check-head.js';
export { checkLog, type CheckLogOptions, type Since } from './check-log.js';
export { checkRange, rangeOfTimes, type LeafRange } from './check-range.js';
export { FINDING_CODES, Findings, type Finding, type FindingCode } from './finding.js';
export type { SourceSummary } from './leaf-chains.js';
export { DirectorySource, HttpSource, type LogSource } from './log-source.js';
export { policyOfVkey, readPolicyFile } from './policy-file.js';
export type { LogReport } from './report.js';
