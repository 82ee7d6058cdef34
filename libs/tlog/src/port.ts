/** Port: tile storage (C2SP tlog-tiles paths). Write-once per path: a full tile never changes; a partial tile is a new path. */
export interface TileStore {
  /** Durable when it resolves (fsync of file and directory). Writing the same bytes again is a no-op. */
  put(path: string, bytes: Buffer): Promise<void>;
  get(path: string): Promise<Buffer | null>;
}

/** State the sequencer commits: the only commit point of the ledger. */
export interface SealedState {
  readonly round: number;
  readonly tree_size: number;
  /** Hex. */
  readonly root_hash: string;
  readonly note: string;
  /** source -> every seq up to this one is in the tree. */
  readonly frontiers: Readonly<Record<string, number>>;
  /** source -> next offset of the event log (per partition) the sequencer reads. */
  readonly offsets: Readonly<Record<string, number>>;
  readonly sealed_at: number;
}

/** Port: compare-and-swap of the sealed state. A conflict stops the sequencer. */
export interface CheckpointStore {
  fetch(): Promise<SealedState | null>;
  /** Durable when it resolves. @throws AffiantError ledger_conflict when `old` is not what is stored. */
  replace(old: SealedState | null, next: SealedState): Promise<void>;
}
