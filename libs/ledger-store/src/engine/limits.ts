/** Bounds of the embedded engine, chosen for a small machine: about 300 MB at rest, next to no CPU when idle. */
export interface EngineLimits {
  /** All allocations of the engine together, bytes. */
  readonly memoryBytes: number;
  /** One query of a reader, bytes. Larger groupings and sorts go to disk. */
  readonly queryMemoryBytes: number;
  /** Wall time of one query of a reader, seconds. */
  readonly querySeconds: number;
  /** Rows and bytes one query of a reader may return. */
  readonly resultRows: number;
  readonly resultBytes: number;
  /** Queries of one reader per hour. */
  readonly queriesPerHour: number;
  /** Threads of one query. */
  readonly threads: number;
}

export const DEFAULT_LIMITS: EngineLimits = {
  memoryBytes: 1_500_000_000,
  queryMemoryBytes: 800_000_000,
  querySeconds: 60,
  resultRows: 5_000_000,
  resultBytes: 1_000_000_000,
  queriesPerHour: 100_000,
  threads: 4,
};
