import { createHash } from 'node:crypto';
import { AffiantError } from '#errors';
import type { CheckpointRow, EventRow, LeafRow, LedgerStore, RangeDigest } from '#ledger-store';

/**
 * Ledger store in memory with the engine's rules: a row comes in once per token, so that repeating a call completes one that was applied in part;
 * nothing is ever updated.
 */
export class MemoryLedgerStore implements LedgerStore {
  readonly events: EventRow[] = [];
  readonly leaves: LeafRow[] = [];
  readonly checkpoints: CheckpointRow[] = [];
  /** Calls that came out of order. */
  readonly violations: string[] = [];
  readonly #tokens = new Set<string>();

  async migrate(): Promise<void> {}

  async appendEvents(token: string, rows: readonly EventRow[]): Promise<void> {
    for (const row of rows) if (this.#isNew(`events ${token} ${row.source_id} ${row.seq}`)) this.events.push(row);
  }

  async appendLeaves(token: string, rows: readonly LeafRow[]): Promise<void> {
    for (const { source_id, seq } of rows) {
      if (!this.events.some((row) => row.source_id === source_id && row.seq === seq))
        this.violations.push(`${source_id} ${seq} sealed before ingested`);
    }
    for (const row of rows) if (this.#isNew(`leaves ${token} ${row.leaf_index}`)) this.leaves.push(row);
  }

  async appendCheckpoint(row: CheckpointRow): Promise<void> {
    if (this.#isNew(`checkpoint ${JSON.stringify(row)}`)) this.checkpoints.push(row);
  }

  async rangeDigest(sourceId: string, from: number, to: number): Promise<RangeDigest> {
    const rows = this.events.filter((row) => row.source_id === sourceId && row.seq >= from && row.seq <= to).sort((a, b) => a.seq - b.seq);
    const hash = createHash('sha256');
    for (const row of rows) hash.update(row.payload_hash);
    return { count: rows.length, digest: hash.digest('hex') };
  }

  async query<T>(): Promise<T[]> {
    throw new AffiantError('engine_failed', 'the memory store has no SQL');
  }

  async ping(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}

  #isNew(token: string): boolean {
    if (this.#tokens.has(token)) return false;
    this.#tokens.add(token);
    return true;
  }
}
