import { createHash } from 'node:crypto';
import { AffiantError } from '#errors';
import type {
  AnchorRow,
  CheckpointRow,
  ContentRow,
  EventRow,
  HeldEvent,
  LeafRow,
  LedgerStore,
  LogRange,
  RangeDigest,
  SourceProgress,
  SourceRange,
  StoredEvent,
  StoredEvents,
} from '#ledger-store';

/**
 * Ledger store in memory with the engine's rules: a row comes in once per token, so that repeating a call completes one that was applied in part;
 * nothing is ever updated.
 */
export class MemoryLedgerStore implements LedgerStore, StoredEvents {
  readonly events: EventRow[] = [];
  readonly content: ContentRow[] = [];
  readonly leaves: LeafRow[] = [];
  readonly checkpoints: CheckpointRow[] = [];
  readonly anchors: AnchorRow[] = [];
  /** Calls that came out of order. */
  readonly violations: string[] = [];
  readonly #tokens = new Set<string>();

  async migrate(): Promise<void> {}

  async appendContent(token: string, rows: readonly ContentRow[]): Promise<void> {
    for (const row of rows) if (this.#isNew(`content ${token} ${row.source_id} ${row.seq}`)) this.content.push(row);
  }

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

  async appendAnchor(row: AnchorRow): Promise<void> {
    if (this.#isNew(`anchor ${row.tree_size}`)) this.anchors.push(row);
  }

  async lastAnchor(): Promise<AnchorRow | null> {
    return this.anchors.toSorted((a, b) => a.tree_size - b.tree_size).at(-1) ?? null;
  }

  async rangeDigest(sourceId: string, from: number, to: number): Promise<RangeDigest> {
    const rows = this.events.filter((row) => row.source_id === sourceId && row.seq >= from && row.seq <= to).sort((a, b) => a.seq - b.seq);
    return digestOf(rows);
  }

  async logDigest({ partition, from, to, except, sources }: LogRange): Promise<RangeDigest> {
    const rows = this.events
      .filter((row) => row.log_partition === partition && row.log_offset >= from && row.log_offset <= to)
      .filter((row) => !except.includes(row.log_offset) && sources.some((range) => isWithin(row, range)))
      .sort((a, b) => a.log_offset - b.log_offset);
    return digestOf(rows);
  }

  async heldEvents(ranges: readonly SourceRange[]): Promise<HeldEvent[]> {
    return this.events
      .filter((row) => ranges.some((range) => isWithin(row, range)))
      .map(({ source_id, seq, payload_hash }) => ({ source_id, seq, payload_hash: payload_hash.toString('hex') }));
  }

  async highestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    const highest = new Map<string, number>();
    for (const { source_id, seq } of this.events) {
      if (seq >= (from.get(source_id) ?? Infinity)) highest.set(source_id, Math.max(seq, highest.get(source_id) ?? 0));
    }
    return highest;
  }

  async eventCount(): Promise<number> {
    return this.events.length;
  }

  async otherSources(known: readonly string[]): Promise<string[]> {
    return [...new Set(this.events.map((row) => row.source_id))].filter((source) => !known.includes(source));
  }

  async progress(from: ReadonlyMap<string, number>, window: number): Promise<SourceProgress[]> {
    const found: SourceProgress[] = [];
    for (const [source_id, begin] of from) {
      const seqs = new Set(this.events.filter((row) => row.source_id === source_id).map((row) => row.seq));
      let end = begin;
      if (source_id.includes('/')) end = Math.max(begin, ...[...seqs].map((seq) => seq + 1));
      else while (seqs.has(end) && end < begin + window) end += 1;
      if (end > begin) found.push({ source_id, end });
    }
    return found;
  }

  async lowestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    const lowest = new Map<string, number>();
    for (const { source_id, seq } of this.events) {
      if (seq >= (from.get(source_id) ?? Infinity)) lowest.set(source_id, Math.min(seq, lowest.get(source_id) ?? Infinity));
    }
    return lowest;
  }

  async readEvents(sourceId: string, from: number, to: number, maxBytes: number): Promise<StoredEvent[]> {
    const rows = this.events.filter((row) => isWithin(row, { source_id: sourceId, from, to })).sort((a, b) => a.seq - b.seq);
    let bytes = 0;
    return rows
      .filter(({ raw }, index) => (bytes += raw.length) <= maxBytes || index === 0)
      .map(({ seq, topic, raw }) => ({ seq, topic, value: raw }));
  }

  async lastCheckpoint(): Promise<CheckpointRow | null> {
    return this.checkpoints.toSorted((a, b) => a.round - b.round).at(-1) ?? null;
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

const isWithin = ({ source_id, seq }: EventRow, range: SourceRange): boolean =>
  source_id === range.source_id && seq >= range.from && seq <= range.to;

function digestOf(rows: readonly EventRow[]): RangeDigest {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(row.payload_hash);
  return { count: rows.length, digest: hash.digest('hex') };
}
