import { AffiantError } from '#errors';
import { formatTlogProof } from '#tlog';
import type { CitedEvent, Snapshot } from '../model/packet.js';
import type { QueryRun } from '../model/result.js';
import type { LeafHashes } from './leaf-hashes.js';
import type { QueryRunner } from './query-runner.js';

const MOST = 50;
const MOST_PER_QUERY = 12;

export interface Cited {
  readonly events: readonly CitedEvent[];
  /** Attachment name -> tlog-proof text. */
  readonly proofs: ReadonlyMap<string, Buffer>;
}

/** Events the pages name: exceptions first, then steps of approvals, then published policies, then samples; each with its inclusion proof. */
export async function citeEvents(
  runner: QueryRunner,
  runs: readonly QueryRun[],
  snapshot: Snapshot,
  hashes: LeafHashes,
  approvals: readonly number[],
): Promise<Cited> {
  const wanted = new Map<number, string>();
  const take = (indexes: readonly number[], why: string): void => {
    for (const index of indexes) if (wanted.size < MOST && !wanted.has(index)) wanted.set(index, why);
  };
  for (const run of runs.filter(({ id }) => id.endsWith('-exceptions')))
    take(leafIndexes(run), `exception of ${run.id.slice(0, -'-exceptions'.length)}`);
  take(approvals, 'step of an approval');
  for (const id of ['change-policies', 'sample-exchanges']) {
    const run = runs.find((one) => one.id === id);
    if (run !== undefined) take(leafIndexes(run), id === 'change-policies' ? 'published policy' : 'sampled exchange');
  }
  const indexes = [...wanted.keys()].filter((index) => index < hashes.size).sort((a, b) => a - b);
  if (indexes.length === 0) return { events: [], proofs: new Map() };
  const { rows } = await runner.run(
    `SELECT e.leaf_index, e.event_id, e.source_id, e.seq, base64Encode(l.leaf) AS leaf
FROM audit.events_at(tree_size = ${snapshot.tree_size}) AS e INNER JOIN ledger.leaves AS l ON l.leaf_index = e.leaf_index
WHERE e.leaf_index IN (${indexes.join(', ')}) AND l.leaf_index IN (${indexes.join(', ')}) ORDER BY e.leaf_index`,
  );
  if (rows.length !== indexes.length) throw new AffiantError('engine_failed', 'the ledger does not hold every cited event');
  const proofs = new Map<string, Buffer>();
  const events = rows.map(([index, eventId, source, seq, leaf]): CitedEvent => {
    const leaf_index = Number(index);
    const proof = `proofs/${String(leaf_index).padStart(8, '0')}.tlog-proof`;
    const bytes = Buffer.from(String(leaf), 'base64');
    proofs.set(
      proof,
      Buffer.from(
        formatTlogProof({ index: leaf_index, hashes: hashes.inclusionProof(leaf_index), checkpoint: snapshot.note, extra: bytes }),
      ),
    );
    return {
      event_id: String(eventId),
      source_id: String(source),
      seq: Number(seq),
      leaf_index,
      leaf: String(leaf),
      proof,
      why: wanted.get(leaf_index) ?? '',
    };
  });
  return { events, proofs };
}

/** Leaf indexes of the steps of approvals of the period, in tree order. */
export async function approvalLeaves(runner: QueryRunner, treeSize: number, where: string): Promise<number[]> {
  const { rows } = await runner.run(
    `SELECT leaf_index FROM audit.decisions_at(tree_size = ${treeSize}) WHERE kind LIKE 'approval_%' AND leaf_index IS NOT NULL AND ${where} ORDER BY leaf_index LIMIT 24`,
  );
  return rows.map(([index]) => Number(index));
}

function leafIndexes(run: QueryRun): number[] {
  const column = run.columns.indexOf('leaf_index');
  if (column < 0) return [];
  return run.rows.flatMap((row) => (typeof row[column] === 'number' ? [row[column]] : [])).slice(0, MOST_PER_QUERY);
}
