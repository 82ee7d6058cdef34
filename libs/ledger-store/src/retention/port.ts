/** One kind of event in one monthly partition of ledger.events. Times in microseconds since the Unix epoch. */
export interface PartitionPart {
  /** e.g. 202601 */
  readonly partition: number;
  readonly event_type: string;
  readonly rows: number;
  readonly first: number;
  readonly last: number;
  /** When the newest of them was taken in. */
  readonly ingested: number;
  /** How many are past the frontiers: not sealed yet. */
  readonly unsealed: number;
}

export interface RowScope {
  /** Microseconds; from included, to excluded. */
  readonly from_us: number | null;
  readonly to_us: number | null;
  readonly session: string | null;
  readonly principal: string | null;
  readonly connection: string | null;
}

/**
 * Port: what retention may ask of the ledger store and do to it. It has a login of its own: nobody else can remove what holds rows.
 * @throws AffiantError engine_failed (try again)
 */
export interface RetentionStore {
  /** source -> every seq up to this one is sealed, by the newest checkpoint; empty before the first. */
  frontiers(): Promise<Record<string, number>>;
  parts(frontiers: Readonly<Record<string, number>>): Promise<PartitionPart[]>;
  /** The exact bytes of every event about a hold, in order of time. */
  holdEvents(): Promise<Buffer[]>;
  /** Rows of the partition that the scope covers, or that belong to a session which has rows it covers: their bodies may be carried by this partition alone. */
  covered(partition: number, scope: RowScope): Promise<number>;
  /**
   * Removes the events of these types from the partition, as whole parts, up to the frontiers; everything else stays, and what arrives meanwhile is not touched.
   * Leaves, runs and checkpoints are other tables. Idempotent: after a crash at any point the same call completes it.
   */
  drop(partition: number, types: readonly string[], frontiers: Readonly<Record<string, number>>): Promise<void>;
  close(): Promise<void>;
}
