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
  SourceRange,
} from '../port.js';
import { leafRuns } from '../store/leaf-runs.js';

export type FailableCall =
  | 'migrate'
  | 'appendContent'
  | 'appendEvents'
  | 'appendLeaves'
  | 'appendCheckpoint'
  | 'appendAnchor'
  | 'rangeDigest'
  | 'logDigest'
  | 'heldEvents'
  | 'query';

interface PlannedFailure {
  readonly call: FailableCall;
  /** `before`: nothing was applied. `after`: it was applied and only the answer got lost. */
  readonly when: 'before' | 'after';
  readonly error: Error;
}

/**
 * A ledger in memory for the tests of those who write to it: idempotent by token like the real one, and able to fail before or *after*
 * it applied a call, which is what a kill between effect and answer looks like.
 */
export class FakeLedgerStore implements LedgerStore {
  readonly events: EventRow[] = [];
  readonly content: ContentRow[] = [];
  readonly leaves: LeafRow[] = [];
  readonly checkpoints: CheckpointRow[] = [];
  readonly anchors: AnchorRow[] = [];
  /** Every call that reached the store, in order, as `name token`. */
  readonly calls: string[] = [];
  readonly #tokens = new Map<string, string>();
  readonly #failures: PlannedFailure[] = [];
  #answer: (sql: string, params: Readonly<Record<string, unknown>>) => readonly unknown[] = () => [];

  /** The next call of that name fails; planned failures are used up one by one. */
  failNext(call: FailableCall, when: 'before' | 'after', error: Error = new AffiantError('engine_failed', 'planned failure')): void {
    this.#failures.push({ call, when, error });
  }

  /** What `query` answers; nothing until set. */
  answer(handler: (sql: string, params: Readonly<Record<string, unknown>>) => readonly unknown[]): void {
    this.#answer = handler;
  }

  async migrate(): Promise<void> {
    await this.#run('migrate', '', () => undefined);
  }

  async appendContent(token: string, rows: readonly ContentRow[]): Promise<void> {
    // A repetition may have fewer rows, because a key was destroyed meanwhile; what was there first stays.
    await this.#run('appendContent', token, () => this.#once(`content/${token}`, '', () => this.content.push(...rows)));
  }

  async appendEvents(token: string, rows: readonly EventRow[]): Promise<void> {
    await this.#run('appendEvents', token, () => {
      for (const row of rows) {
        if (!row.payload_hash.equals(sha256(row.raw)))
          throw new AffiantError('ledger_conflict', `seq ${row.seq}: payload_hash is not of raw`);
      }
      const digest = digestOf(rows.map((row) => row.payload_hash));
      this.#once(`events/${token}`, digest, () => this.events.push(...rows));
    });
  }

  async appendLeaves(token: string, rows: readonly LeafRow[]): Promise<void> {
    await this.#run('appendLeaves', token, () => {
      leafRuns(rows);
      for (const row of rows) {
        const expected = sha256(Buffer.concat([Buffer.from([0]), row.leaf]));
        if (!row.leaf_hash.equals(expected)) throw new AffiantError('ledger_conflict', `leaf ${row.leaf_index}: leaf_hash is not of leaf`);
      }
      this.#once(`leaves/${token}`, digestOf(rows.map((row) => row.leaf_hash)), () => this.leaves.push(...rows));
    });
  }

  async appendCheckpoint(row: CheckpointRow): Promise<void> {
    await this.#run('appendCheckpoint', String(row.round), () => {
      this.#once(`checkpoint/${row.round}`, `${row.root_hash} ${row.note}`, () => this.checkpoints.push(row));
    });
  }

  async appendAnchor(row: AnchorRow): Promise<void> {
    await this.#run('appendAnchor', String(row.tree_size), () => {
      this.#once(`anchor/${row.tree_size}`, row.note, () => this.anchors.push(row));
    });
  }

  async lastAnchor(): Promise<AnchorRow | null> {
    return this.anchors.toSorted((a, b) => a.tree_size - b.tree_size).at(-1) ?? null;
  }

  async rangeDigest(sourceId: string, from: number, to: number): Promise<RangeDigest> {
    return this.#run('rangeDigest', `${sourceId} ${from}-${to}`, () => {
      const rows = this.events.filter((row) => row.source_id === sourceId && row.seq >= from && row.seq <= to);
      const sorted = rows.toSorted((a, b) => a.seq - b.seq);
      return { count: rows.length, digest: digestOf(sorted.map((row) => row.payload_hash)) };
    });
  }

  async logDigest({ partition, from, to, except, sources }: LogRange): Promise<RangeDigest> {
    return this.#run('logDigest', `${partition} ${from}-${to}`, () => {
      const rows = this.events
        .filter((row) => row.log_partition === partition && row.log_offset >= from && row.log_offset <= to)
        .filter((row) => !except.includes(row.log_offset) && sources.some((range) => isWithin(row, range)))
        .toSorted((a, b) => a.log_offset - b.log_offset);
      return { count: rows.length, digest: digestOf(rows.map((row) => row.payload_hash)) };
    });
  }

  async heldEvents(ranges: readonly SourceRange[]): Promise<HeldEvent[]> {
    return this.#run('heldEvents', '', () =>
      this.events
        .filter((row) => ranges.some((range) => isWithin(row, range)))
        .map(({ source_id, seq, payload_hash }) => ({ source_id, seq, payload_hash: payload_hash.toString('hex') })),
    );
  }

  async highestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    const highest = new Map<string, number>();
    for (const { source_id, seq } of this.events) {
      if (seq >= (from.get(source_id) ?? Infinity)) highest.set(source_id, Math.max(seq, highest.get(source_id) ?? 0));
    }
    return highest;
  }

  async lastCheckpoint(): Promise<CheckpointRow | null> {
    return this.checkpoints.toSorted((a, b) => a.round - b.round).at(-1) ?? null;
  }

  async query<T>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
    return this.#run('query', sql, () => [...this.#answer(sql, params)] as T[]);
  }

  async ping(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}

  #once(token: string, content: string, apply: () => void): void {
    const held = this.#tokens.get(token);
    if (held === content) return;
    if (held !== undefined) throw new AffiantError('ledger_conflict', `Token ${token} was used for other rows.`);
    this.#tokens.set(token, content);
    apply();
  }

  async #run<T>(call: FailableCall, token: string, apply: () => T): Promise<T> {
    this.calls.push(`${call} ${token}`.trim());
    const index = this.#failures.findIndex((failure) => failure.call === call);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (failure?.when === 'before') throw failure.error;
    const result = apply();
    if (failure?.when === 'after') throw failure.error;
    return result;
  }
}

const isWithin = ({ source_id, seq }: EventRow, range: SourceRange): boolean =>
  source_id === range.source_id && seq >= range.from && seq <= range.to;

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

function digestOf(hashes: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const one of hashes) hash.update(one);
  return hash.digest('hex');
}
