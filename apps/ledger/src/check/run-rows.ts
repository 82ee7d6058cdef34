import type { Findings } from '#verify';
import type { CheckpointFacts } from './checkpoint-rows.js';
import type { ReadRow } from './row-columns.js';
import { RowCursor, type RowBatches } from './row-cursor.js';
import type { SealedLeaves } from './sealed-leaves.js';

/** The run in work, as the signed leaves give it. */
interface Run {
  readonly where: string;
  readonly source: string;
  readonly round: number;
  seq: number;
  readonly last: number;
}

/**
 * Checks ledger.leaf_runs, in the order of index_from, against the leaves of the verified tree: together the runs are every leaf once, each with its
 * source, seq and round. Where a longer run was written as two, that is no fault. @returns rows read
 */
export async function checkRunRows(
  rows: RowBatches,
  leaves: ReturnType<SealedLeaves['inOrder']>,
  checkpoints: readonly CheckpointFacts[],
  findings: Findings,
): Promise<number> {
  const read = await RowCursor.open(rows);
  let next = read.row;
  let count = next === null ? 0 : 1;
  let run: Run | null = null;
  let [index, round] = [0, 0];
  for (const { source_id, seq } of leaves) {
    while (round < checkpoints.length && checkpoints[round]!.tree_size <= index) round += 1;
    const here = checkpoints[round]?.round ?? -1;
    if (run !== null && (run.source !== source_id || run.seq + 1 !== seq || run.round !== here)) {
      findings.add('column_altered', `${run.where} column seq_to`, 'the run reaches over leaves that are not its own');
      run = null;
    }
    if (run === null) {
      while (next !== null && Number(next['c_index_from']) < index && !startsAt(next, source_id, seq)) {
        findings.add('row_unexpected', whereOf(next), 'no run of leaves begins there');
        await read.advance();
        next = read.row;
        count += next === null ? 0 : 1;
      }
      if (next === null || (Number(next['c_index_from']) > index && !startsAt(next, source_id, seq)))
        findings.add('row_missing', `ledger.leaf_runs leaf ${index}`, `no run covers this leaf (source ${source_id} seq ${seq})`);
      else {
        const expected = { source_id, seq_from: seq, index_from: index, ...(here === -1 ? {} : { round: here }) };
        const where = whereOf(next);
        for (const [column, value] of Object.entries(expected))
          if (String(next[`c_${column}`]) !== String(value))
            findings.add('column_altered', `${where} column ${column}`, 'it is not what the signed leaf gives');
        const last = Number(next['c_seq_to']);
        if (!(last >= seq)) findings.add('column_altered', `${where} column seq_to`, 'the run ends before it begins');
        run = { where, source: source_id, round: here, seq, last };
        await read.advance();
        next = read.row;
        count += next === null ? 0 : 1;
      }
    } else run.seq = seq;
    if (run !== null && run.seq >= run.last) run = null;
    index += 1;
  }
  if (run !== null)
    findings.add('column_altered', `${run.where} column seq_to`, 'the run reaches beyond the tree, and runs end with their round');
  // Runs of a round that was still open when the checkpoint was taken are no contradiction.
  for (; read.row !== null; await read.advance()) {
    if (Number(read.row['c_index_from']) < index)
      findings.add('row_unexpected', whereOf(read.row), 'its leaves are in another run already');
    count += 1;
  }
  return count;
}

const whereOf = (row: ReadRow): string => `ledger.leaf_runs leaf ${String(row['c_index_from'])}`;

const startsAt = (row: ReadRow, source: string, seq: number): boolean =>
  String(row['c_source_id']) === source && Number(row['c_seq_from']) === seq;
