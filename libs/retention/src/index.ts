export { CLASS_TYPES, planRetention, policyDigest, rowScopeOf, type PlannedDrop, type RetentionPolicy } from './plan.js';
export {
  activeHolds,
  passes,
  planNow,
  runRetention,
  type HoldPorts,
  type PlanPorts,
  type RetentionPorts,
  type RetentionRun,
} from './run-retention.js';
export { startRetention, type RetentionOptions } from './start-retention.js';
