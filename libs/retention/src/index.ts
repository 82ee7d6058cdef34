export { CLASS_TYPES, planRetention, policyDigest, type PlannedDrop, type RetentionPolicy } from './plan.js';
export { planNow, runRetention, type PlanPorts, type RetentionPorts, type RetentionRun } from './run-retention.js';
export { startRetention, type RetentionOptions } from './start-retention.js';
