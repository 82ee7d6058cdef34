import type { RowScope } from '../retention/port.js';

/** What of a session can be erased. */
export interface SessionContent {
  /** Ids of the keys that seal content of the session, and originals. */
  readonly keys: readonly string[];
  /** Events whose content they seal. */
  readonly events: number;
  /** Events that carry content unsealed: an earlier release recorded them. */
  readonly unsealed: number;
}

/**
 * Port: what an erasure may ask of the ledger store and do to it. It has a login of its own, which can delete from ledger.content and nothing else.
 * @throws AffiantError engine_failed (try again)
 */
export interface ErasureStore {
  contentOf(session: string): Promise<SessionContent>;
  /** Events of the session that the scope covers. */
  coveredOf(session: string, scope: RowScope): Promise<number>;
  /** The exact bytes of every event about a hold, in order of time. */
  holdEvents(): Promise<Buffer[]>;
  /** The exact bytes of every `erasure.done`, in order of time. */
  erasureEvents(): Promise<Buffer[]>;
  /**
   * Deletes what these keys sealed from ledger.content, physically: when it resolves no live part holds it, and the parts that did go from the disk within
   * seconds. Idempotent; nothing happens where there is none. @returns rows deleted
   */
  deleteContent(keys: readonly string[]): Promise<number>;
  close(): Promise<void>;
}
