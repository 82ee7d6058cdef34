import { decodeLeaf, leafHash } from '#tlog';
import type { Findings } from '#verify';
import type { CheckpointFacts } from './checkpoint-rows.js';
import { differingColumns, LEAF_COLUMNS } from './row-columns.js';
import { RowCursor, type RowBatches } from './row-cursor.js';
import type { SealedLeaves } from './sealed-leaves.js';

/** Compares ledger.leaves with the leaves of the verified tree, one by one, and keeps which source has which. @returns rows read */
export async function checkLeafRows(
  rows: RowBatches,
  leaves: AsyncIterable<readonly Buffer[]>,
  checkpoints: readonly CheckpointFacts[],
  sealed: SealedLeaves,
  findings: Findings,
): Promise<number> {
  const read = await RowCursor.open(rows);
  let count = 0;
  let index = 0;
  let round = 0;
  for await (const bundle of leaves)
    for (const leaf of bundle) {
      const decoded = decodeLeaf(leaf);
      const { source_id, seq } = decoded;
      sealed.add(decoded, index);
      while (round < checkpoints.length && checkpoints[round]!.tree_size <= index) round += 1;
      const row = read.row;
      const at = row === null ? Infinity : Number(row['c_leaf_index']);
      if (at > index || Number.isNaN(at))
        findings.add('row_missing', `ledger.leaves leaf ${index}`, `there is no row for this leaf (source ${source_id} seq ${seq})`);
      if (row !== null && at === index) {
        const expected = { leaf_index: index, source_id, seq, leaf, leaf_hash: leafHash(leaf), round: checkpoints[round]?.round ?? -1 };
        for (const column of differingColumns(LEAF_COLUMNS, row, expected)) {
          if (column === 'round' && checkpoints[round] === undefined) continue;
          findings.add('column_altered', `ledger.leaves leaf ${index} column ${column}`, 'it is not what the signed leaf gives');
        }
      }
      while (read.row !== null && !(Number(read.row['c_leaf_index']) > index)) {
        count += 1;
        const before = Number(read.row['c_leaf_index']);
        const more = read.advance();
        if (more !== undefined) await more;
        if (read.row !== null && Number(read.row['c_leaf_index']) === before)
          findings.add('row_unexpected', `ledger.leaves leaf ${index}`, 'there are two rows for this leaf');
      }
      index += 1;
    }
  for (; read.row !== null; await read.advance()) {
    count += 1;
    // Rows of a round that was still open when the checkpoint was taken are no contradiction, but they must go on without a hole.
    if (Number(read.row['c_leaf_index']) !== index)
      findings.add('row_unexpected', `ledger.leaves leaf ${String(read.row['c_leaf_index'])}`, 'the tree has no such leaf');
    index += 1;
  }
  return count;
}
