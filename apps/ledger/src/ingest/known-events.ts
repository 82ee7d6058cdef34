import { AffiantError } from '#errors';
import type { EventRow, LedgerStore, SourceRange } from '#ledger-store';

/** Sources remembered per partition; beyond it all are forgotten and asked for again. */
const MAX_SOURCES = 20_000;
/** Seqs of one source further apart than this are asked for as two ranges. */
const WIDE_GAP = 512;

/** Repeats a read of the store until it succeeds. */
export type Ask = <T>(what: string, read: () => Promise<T>) => Promise<T>;

/**
 * What the ledger holds of the sources in one partition of the event log, as far as this process needs to know.
 * Per source a mark: no event above it is in the ledger. It is true because an event of a source and type goes to one partition for ever, and events
 * come there in the order of their seqs, save for what is sent again. So the store is asked for a seq that is not above the mark, and once per source.
 */
export class KnownEvents {
  readonly #marks = new Map<string, number>();

  constructor(private readonly store: Pick<LedgerStore, 'heldEvents' | 'highestSeqs'>) {}

  /**
   * Offsets of the rows whose event is in the ledger or earlier among these rows. `learn` must be called when the rest is in the ledger too.
   * @throws AffiantError ledger_conflict when one seq of a source comes with two contents: the source has forked.
   */
  async resent(rows: readonly EventRow[], ask: Ask): Promise<{ readonly dropped: number[]; readonly learn: () => void }> {
    const { dropped, tops } = repeated(rows);
    const fresh = [...tops.keys()].filter((source) => !this.#marks.has(source));
    const doubtful = rows.filter((row) => !dropped.has(row.log_offset) && row.seq <= (this.#marks.get(row.source_id) ?? Infinity));
    if (doubtful.length > 0) {
      const held = await ask('look up', () => this.store.heldEvents(rangesOf(doubtful, WIDE_GAP)));
      const hashes = new Map(held.map((event) => [keyOf(event), event.payload_hash]));
      for (const row of doubtful) {
        const hash = hashes.get(keyOf(row));
        if (hash === undefined) continue;
        if (hash !== row.payload_hash.toString('hex')) throw twoContents(row, 'the ledger holds another event');
        dropped.add(row.log_offset);
      }
    }
    const from = new Map(fresh.map((source) => [source, tops.get(source)! + 1]));
    const beyond = fresh.length === 0 ? from : await ask('look beyond', () => this.store.highestSeqs(from));
    const learn = (): void => {
      if (this.#marks.size > MAX_SOURCES) this.#marks.clear();
      for (const [source, top] of tops) this.#marks.set(source, Math.max(top, beyond.get(source) ?? 0, this.#marks.get(source) ?? 0));
    };
    return { dropped: [...dropped].sort((a, b) => a - b), learn };
  }
}

/** Offsets of rows whose event came before among these rows, and the highest seq of each source. */
function repeated(rows: readonly EventRow[]): { dropped: Set<number>; tops: Map<string, number> } {
  const dropped = new Set<number>();
  const tops = new Map<string, number>();
  let first: Map<string, EventRow> | undefined;
  for (const row of rows) {
    const top = tops.get(row.source_id);
    if (top === undefined || row.seq > top) {
      tops.set(row.source_id, row.seq);
      continue;
    }
    first ??= firstOf(rows);
    const before = first.get(keyOf(row));
    if (before === undefined || before.log_offset === row.log_offset) continue;
    if (!before.payload_hash.equals(row.payload_hash)) throw twoContents(row, 'one seq of a source came with two contents');
    dropped.add(row.log_offset);
  }
  return { dropped, tops };
}

function firstOf(rows: readonly EventRow[]): Map<string, EventRow> {
  const first = new Map<string, EventRow>();
  for (const row of rows) if (!first.has(keyOf(row))) first.set(keyOf(row), row);
  return first;
}

/** The rows as ranges of seqs per source; two rows of a source further apart than `gap` lie in two ranges. */
export function rangesOf(rows: readonly EventRow[], gap = Infinity): SourceRange[] {
  const bySource = new Map<string, number[]>();
  for (const { source_id, seq } of rows) {
    const seqs = bySource.get(source_id);
    if (seqs === undefined) bySource.set(source_id, [seq]);
    else seqs.push(seq);
  }
  const ranges: SourceRange[] = [];
  for (const [source_id, seqs] of bySource) {
    seqs.sort((a, b) => a - b);
    let from = seqs[0]!;
    let to = from;
    for (const seq of seqs) {
      if (seq - to > gap) {
        ranges.push({ source_id, from, to });
        from = seq;
      }
      to = seq;
    }
    ranges.push({ source_id, from, to });
  }
  return ranges;
}

const keyOf = ({ source_id, seq }: { readonly source_id: string; readonly seq: number }): string => `${source_id} ${seq}`;

function twoContents({ source_id, seq, log_partition, log_offset }: EventRow, message: string): AffiantError {
  return new AffiantError('ledger_conflict', message, { where: `source ${source_id} seq ${seq}, ${log_partition} ${log_offset}` });
}
