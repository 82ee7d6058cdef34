import type { TrustPolicy } from '#tlog';
import { checkHead, type Findings } from '#verify';
import { CHECKPOINT_COLUMNS, differingColumns } from './row-columns.js';
import { eachRow, type RowBatches } from './row-cursor.js';

/** A row of ledger.checkpoints as it is after its note was verified. */
export interface CheckpointFacts {
  readonly round: number;
  readonly tree_size: number;
  readonly root_hash: string;
  readonly note: string;
  readonly sources: readonly string[];
  readonly seqs: readonly number[];
}

/** Checks ledger.checkpoints by themselves: each note under the policy, its numbers, and that they grow. */
export async function checkCheckpointRows(
  rows: RowBatches,
  policy: TrustPolicy,
  size: number,
  findings: Findings,
): Promise<{ rows: CheckpointFacts[] }> {
  const list: CheckpointFacts[] = [];
  let sealedAt = 0;
  let largest = 0;
  for await (const row of eachRow(rows)) {
    const where = `ledger.checkpoints round ${String(row['c_round'])}`;
    const note = String(row['c_note']);
    // Rows keep the note as it was first signed; witnesses are asked afterwards.
    const checked = checkHead({ ...policy, witnesses: [], groups: [], quorum: null }, note, `${where} column note`, findings);
    const facts: CheckpointFacts = {
      round: Number(row['c_round']),
      tree_size: checked?.head.size ?? Number(row['c_tree_size']),
      root_hash: checked?.head.root.toString('hex') ?? String(row['c_root_hash']),
      note,
      sources: (row['c_frontier_sources'] as unknown[]).map(String),
      seqs: (row['c_frontier_seqs'] as unknown[]).map(Number),
    };
    const previous = list.at(-1);
    if (facts.round !== (previous?.round ?? 0) + 1)
      findings.add('column_altered', `${where} column round`, `rounds are counted one by one, and ${previous?.round ?? 0} is before it`);
    const expected = { ...facts, frontier_sources: facts.sources, frontier_seqs: facts.seqs };
    if (checked !== null)
      for (const column of differingColumns(CHECKPOINT_COLUMNS, row, expected))
        findings.add('column_altered', `${where} column ${column}`, 'it is not what the signed note says');
    const time = Number(row['c_sealed_at']);
    if (!(time >= sealedAt)) findings.add('column_altered', `${where} column sealed_at`, 'it is before the round before');
    if (facts.tree_size < largest)
      findings.add('checkpoint_rolled_back', where, `its tree has ${facts.tree_size} leaves, an earlier one had ${largest}`);
    sealedAt = Number.isNaN(time) ? sealedAt : time;
    largest = Math.max(largest, facts.tree_size);
    list.push(facts);
  }
  if (size > 0 && !list.some(({ tree_size }) => tree_size === size))
    findings.add('row_missing', 'ledger.checkpoints', `there is no row for the verified checkpoint of ${size} leaves`);
  return { rows: list };
}
