/** What may be opened: a session, or one exchange of it. */
export interface OriginalsScope {
  readonly session: string;
  readonly exchange: string | null;
}

/** An event of the ledger that carries sealed originals. */
export interface OriginalsEvent {
  readonly event_id: string;
  readonly exchange_id: string;
  /** The exact bytes of the event. */
  readonly raw: Buffer;
}

/**
 * Port: where sealed originals lie in the ledger. Changes nothing, opens nothing.
 * @throws AffiantError engine_failed (try again)
 */
export interface OriginalsStore {
  /** Session of an exchange; null when the ledger does not know it, or it belongs to none. */
  sessionOf(exchange: string): Promise<string | null>;
  /**
   * Events that carry originals, in the order they happened. Of an exchange: those of its session, principal and connection up to its end, since the part of a
   * conversation that was recorded before is not recorded again.
   */
  carrying(scope: OriginalsScope, limit: number): Promise<OriginalsEvent[]>;
  /** SHA-256 of the segments that request and response of the exchange are made of, hex. */
  segmentsOf(exchange: string): Promise<string[]>;
  close(): Promise<void>;
}
