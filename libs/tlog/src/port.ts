/** Port: tile storage (C2SP tlog-tiles paths). Write-once per path: a full tile never changes; a partial tile is a new path. */
export interface TileStore {
  /**
   * Durable when it resolves (fsync of file and directory). Writing the same bytes again is a no-op.
   * @throws AffiantError ledger_conflict when the path holds other bytes.
   */
  put(path: string, bytes: Buffer): Promise<void>;
  get(path: string): Promise<Buffer | null>;
  /** Replaces the resource `checkpoint`, the only mutable one. Durable when it resolves. */
  publish(note: string): Promise<void>;
  /** Deletes directories of partial tiles (`….p`) whose full tile is there; absent ones are fine. */
  prune(directories: readonly string[]): Promise<void>;
}

/** Port: cosigned checkpoints, beside the tiles. */
export interface CosignedStore {
  /**
   * Keeps the note as resource `cosigned/<size>`, unless that is there already. Durable when it resolves.
   * @returns what is there then, which is the first note that was put
   */
  put(size: number, note: string): Promise<string>;
  get(size: number): Promise<string | null>;
  /** Replaces the resource `checkpoint.cosigned`: the newest of them. Durable when it resolves. */
  publish(note: string): Promise<void>;
  /** What was published last. */
  latest(): Promise<string | null>;
}

/** A round the sequencer has promised to carry out: every byte of it follows from this and the event log. */
export interface RoundManifest {
  readonly round: number;
  /** Tree size before the round: index of its first leaf. */
  readonly base_size: number;
  readonly new_size: number;
  /** Hex. */
  readonly new_root: string;
  /** Offsets of the event log, both included, in partition order; the leaves are in this order, then by offset. */
  readonly ranges: readonly { readonly partition: string; readonly from: number; readonly to: number }[];
  /** Microseconds since the Unix epoch. */
  readonly sealed_at: number;
}

/** State the sequencer commits: the only commit point of the ledger. */
export interface SealedState {
  readonly round: number;
  readonly tree_size: number;
  /** Hex. */
  readonly root_hash: string;
  /** Empty before the first round. */
  readonly note: string;
  /** source -> every seq up to this one is in the tree. */
  readonly frontiers: Readonly<Record<string, number>>;
  /** source -> hex SHA-256 of the exact bytes of the event at its frontier: what the next prev_hash must say. */
  readonly heads: Readonly<Record<string, string>>;
  /** partition -> next offset of the event log the sequencer reads. */
  readonly offsets: Readonly<Record<string, number>>;
  readonly sealed_at: number;
  /** Ranges of the round that made this state: they are read again until it was told of. Not in states of builds before it was kept. */
  readonly last?: RoundManifest['ranges'];
  /** The round in work: written before its data, gone when it is sealed. */
  readonly open: RoundManifest | null;
}

/** Port: compare-and-swap of the sealed state. A conflict stops the sequencer. */
export interface CheckpointStore {
  fetch(): Promise<SealedState | null>;
  /** Durable when it resolves. @throws AffiantError ledger_conflict when `old` is not what is stored. */
  replace(old: SealedState | null, next: SealedState): Promise<void>;
}
