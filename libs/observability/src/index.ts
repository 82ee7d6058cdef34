export { engineFlagsForServing, engineFlagsForStart } from './engine-flags.js';
export { createLogger, type Logger } from './logger.js';
export { LoopDelay } from './loop-delay.js';
export { createMetrics, Metrics, type Exposition, type MetricsOptions } from './metrics/metrics.js';
export type {
  AnchorReading,
  ConsumerReading,
  GapReading,
  HoldsReading,
  JournalReading,
  LedgerReading,
  MetricsReading,
  ShipperReading,
  SinkReading,
} from './metrics/reading.js';
