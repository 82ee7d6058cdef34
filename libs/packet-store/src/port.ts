/** Port: finished packets, write-once. The same digest twice is a no-op. */
export interface PacketStore {
  /** Durable (fsync of file and directory) when it resolves. Returns where a person finds it. @throws AffiantError conflict when the name holds other bytes. */
  put(name: string, bytes: Buffer): Promise<{ readonly path: string; readonly sha256: string }>;
  open(name: string): Promise<Buffer>;
  list(): Promise<string[]>;
}
