import { AffiantError } from '#errors';
import type { LeafRow } from '../port.js';
import type { LeafRun } from './rows.js';

/**
 * Folds leaves into runs.
 * @throws AffiantError ledger_conflict when the indexes are not consecutive or the seqs of a source do not ascend.
 */
export function leafRuns(rows: readonly LeafRow[]): LeafRun[] {
  const runs: LeafRun[] = [];
  const last = new Map<string, number>();
  let previous: LeafRow | undefined;
  let open: { -readonly [K in keyof LeafRun]: LeafRun[K] } | undefined;
  for (const row of rows) {
    if (previous !== undefined && row.leaf_index !== previous.leaf_index + 1) {
      throw new AffiantError('ledger_conflict', `Leaf ${row.leaf_index} follows leaf ${previous.leaf_index}.`);
    }
    if (row.seq <= (last.get(row.source_id) ?? -1)) {
      throw new AffiantError('ledger_conflict', `Leaves of source ${row.source_id} are out of order at seq ${row.seq}.`);
    }
    if (open !== undefined && open.source_id === row.source_id && open.seq_to + 1 === row.seq && open.round === row.round) {
      open.seq_to = row.seq;
    } else {
      open = { source_id: row.source_id, seq_from: row.seq, seq_to: row.seq, index_from: row.leaf_index, round: row.round };
      runs.push(open);
    }
    last.set(row.source_id, row.seq);
    previous = row;
  }
  return runs;
}
