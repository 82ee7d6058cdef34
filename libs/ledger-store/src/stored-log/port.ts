/** One event of ledger.events as a record. */
export interface StoredEvent {
  readonly seq: number;
  readonly topic: string;
  /** The exact bytes that were received. */
  readonly value: Buffer;
}

/** How far a source is held. */
export interface SourceProgress {
  readonly source_id: string;
  /** First seq from the one asked for that is not held. For a place of a broker's log, which has no dense seqs: behind its last one. */
  readonly end: number;
}

/**
 * Port: ledger.events by source and seq, in bounded reads. A source id with a slash is a place of a broker's log (`topic/number`), whose seqs
 * are offsets with holes; all other sources are dense from 1.
 * @throws AffiantError engine_failed (try again), ledger_conflict
 */
export interface StoredEvents {
  /** Grows with every insert: as long as it stays the same nothing is new. Costs next to nothing. */
  eventCount(): Promise<number>;
  /** Sources that are not among these. */
  otherSources(known: readonly string[]): Promise<string[]>;
  /** Of each source how far it is held without a hole, looking at `window` seqs from the given one on. Sources that hold none of them are left out. */
  progress(from: ReadonlyMap<string, number>, window: number): Promise<SourceProgress[]>;
  /** Lowest seq held of each source from the given one on; sources of which there is none are left out. */
  lowestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>>;
  /** Events of a source between two seqs, both included, in order: as many as fit the bytes, the first in any case. */
  readEvents(sourceId: string, from: number, to: number, maxBytes: number): Promise<StoredEvent[]>;
}

/** True for `topic/number`. A source id has no slash. */
export function isPlace(sourceId: string): boolean {
  return sourceId.includes('/');
}
