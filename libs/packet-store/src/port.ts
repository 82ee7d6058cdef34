/** Port: finished packets, write-once. The same digest twice is a no-op. */
export interface PacketStore {
  /**
   * Durable when it resolves (fsync of file and directory; acknowledged and under object lock). Returns where a person finds it.
   * @throws AffiantError conflict when the name holds other bytes; object_store_failed (retryable)
   */
  put(name: string, bytes: Buffer): Promise<{ readonly path: string; readonly sha256: string }>;
  /** What was put under the name first. @throws AffiantError not_found; object_store_failed (retryable) */
  open(name: string): Promise<Buffer>;
  /** Names of all packets, in order. */
  list(): Promise<string[]>;
}
