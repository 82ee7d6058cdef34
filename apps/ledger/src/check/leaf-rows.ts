import { decodeLeaf, leafHash } from '#tlog';
import type { Findings } from '#verify';
import type { CheckpointFacts } from './checkpoint-rows.js';
import { differingColumns, LEAF_COLUMNS, takeRow, type ReadRow } from './row-columns.js';
import type { SealedLeaves } from './sealed-leaves.js';

/** Compares ledger.leaves with the leaves of the verified tree, one by one, and keeps which source has which. @returns rows read */
export async function checkLeafRows(
  rows: AsyncIterable<ReadRow>,
  leaves: AsyncIterable<Buffer>,
  checkpoints: readonly CheckpointFacts[],
  sealed: SealedLeaves,
  findings: Findings,
): Promise<number> {
  const read = rows[Symbol.asyncIterator]();
  let count = 0;
  let next = await takeRow(read);
  let index = 0;
  let round = 0;
  for await (const leaf of leaves) {
    const decoded = decodeLeaf(leaf);
    const { source_id, seq } = decoded;
    sealed.add(decoded, index);
    while (round < checkpoints.length && checkpoints[round]!.tree_size <= index) round += 1;
    const where = `ledger.leaves leaf ${index}`;
    const at = next === null ? Infinity : Number(next['c_leaf_index']);
    if (at > index || Number.isNaN(at))
      findings.add('row_missing', where, `there is no row for this leaf (source ${source_id} seq ${seq})`);
    if (next !== null && at === index) {
      const expected = { leaf_index: index, source_id, seq, leaf, leaf_hash: leafHash(leaf), round: checkpoints[round]?.round ?? -1 };
      for (const column of differingColumns(LEAF_COLUMNS, next, expected)) {
        if (column === 'round' && checkpoints[round] === undefined) continue;
        findings.add('column_altered', `${where} column ${column}`, 'it is not what the signed leaf gives');
      }
    }
    while (next !== null && !(Number(next['c_leaf_index']) > index)) {
      count += 1;
      const before = Number(next['c_leaf_index']);
      next = await takeRow(read);
      if (next !== null && Number(next['c_leaf_index']) === before)
        findings.add('row_unexpected', where, 'there are two rows for this leaf');
    }
    index += 1;
  }
  for (; next !== null; next = await takeRow(read)) {
    count += 1;
    // Rows of a round that was still open when the checkpoint was taken are no contradiction, but they must go on without a hole.
    if (Number(next['c_leaf_index']) !== index)
      findings.add('row_unexpected', `ledger.leaves leaf ${String(next['c_leaf_index'])}`, 'the tree has no such leaf');
    index += 1;
  }
  return count;
}
