import { AffiantError } from '#errors';
import type { EventRow, LedgerStore } from '#ledger-store';
import { digestOf } from './intent.js';

/** Rows of one source with consecutive seqs, ascending. */
export type Run = readonly [EventRow, ...EventRow[]];

/**
 * Dense runs of a batch. An event that arrives twice (a resend) is kept once.
 * @throws AffiantError ledger_conflict when one seq of a source comes with two contents: the source has forked.
 */
export function denseRuns(rows: readonly EventRow[]): Run[] {
  const sorted = [...rows].sort((a, b) => (a.source_id === b.source_id ? a.seq - b.seq : a.source_id < b.source_id ? -1 : 1));
  const runs: [EventRow, ...EventRow[]][] = [];
  for (const row of sorted) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run === undefined || last === undefined || last.source_id !== row.source_id || row.seq > last.seq + 1) runs.push([row]);
    else if (row.seq === last.seq + 1) run.push(row);
    else if (!row.payload_hash.equals(last.payload_hash)) throw twoContents(row);
  }
  return runs;
}

/** Checks that the ledger holds exactly this run. @throws AffiantError ledger_conflict */
export async function verifyRun(store: LedgerStore, run: Run): Promise<void> {
  const { source_id, from, to } = bounds(run);
  const held = await store.rangeDigest(source_id, from, to);
  if (held.count === run.length && held.digest === digestOf(run)) return;
  throw new AffiantError('ledger_conflict', `the ledger holds ${held.count} events where ${run.length} were inserted, or other ones`, {
    where: `${source_id} ${from}-${to}`,
  });
}

/**
 * The part of a run that the ledger does not hold yet: a resend, or an ingest that lost its offsets, brings what is there already.
 * Events of a source are ingested in order, so what is there is a prefix. @throws AffiantError ledger_conflict when it is not.
 */
export async function missingPart(store: LedgerStore, run: Run): Promise<Run | null> {
  const { source_id, from, to } = bounds(run);
  const { count } = await store.rangeDigest(source_id, from, to);
  if (count === 0) return run;
  const [first, ...rest] = run.slice(0, count);
  if (first !== undefined) await verifyRun(store, [first, ...rest]);
  const [next, ...later] = run.slice(count);
  return next === undefined ? null : [next, ...later];
}

function bounds(run: Run): { source_id: string; from: number; to: number } {
  return { source_id: run[0].source_id, from: run[0].seq, to: run[0].seq + run.length - 1 };
}

function twoContents(row: EventRow): AffiantError {
  return new AffiantError('ledger_conflict', 'one seq of a source came with two contents', { where: `${row.source_id} ${row.seq}` });
}
