/** What a stamp over some bytes says, after everything in it has been checked. */
export interface VerifiedStamp {
  /** When the authority says it saw the imprint, milliseconds since the Unix epoch. */
  readonly genTime: number;
  /** Of the stamp, lower hex. */
  readonly serial: string;
  /** Object identifier of the authority's policy. */
  readonly policy: string;
  readonly hash: StampHash;
  /** Subject of the signing certificate, one line. */
  readonly authority: string;
  /** End of validity of the signing certificate, milliseconds since the Unix epoch: before it the stamp has to be stamped again. */
  readonly expiresAt: number;
  /** DER certificates, the signing one first, the pinned root last. */
  readonly chain: readonly Buffer[];
}

export type StampHash = 'sha256' | 'sha384' | 'sha512';

/** An answer of an authority, DER TimeStampResp as RFC 3161 has it, and what it says. */
export interface Stamp {
  readonly response: Buffer;
  readonly verified: VerifiedStamp;
}

/** Port: a time stamp authority (RFC 3161). */
export interface TimestampAuthority {
  readonly name: string;
  /**
   * Asks for a stamp over `data` and checks it in full before it is given back.
   * @throws AffiantError timestamp_unavailable (no answer, or a refusal), timestamp_invalid (an answer that does not verify)
   */
  stamp(data: Uint8Array): Promise<Stamp>;
}

/** Port: stamps and the notes they are over, write-once, beside the tiles. Paths are those of stampPath and stampedCheckpointPath. */
export interface StampStore {
  /** Keeps the first bytes of a path and answers what is kept. Durable when it resolves. */
  put(path: string, bytes: Buffer): Promise<Buffer>;
  get(path: string): Promise<Buffer | null>;
  /** Every path that is kept, in no particular order. */
  list(): Promise<string[]>;
}
