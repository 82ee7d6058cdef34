import { AffiantError } from '#errors';
import type { Control } from '#events';
import { TileTree, type TreeHead, type TrustPolicy } from '#tlog';
import { checkHead, type Findings, type LogSource } from '#verify';
import type { ReadRow } from './row-columns.js';
import { eachRow, type RowBatches } from './row-cursor.js';

/** What a committed event `checkpoint.cosigned` tells; the row of that tree size must say the same. */
const TOLD = ['root_hash', 'note', 'witnesses', 'witness_times'] as const;

type Facts = Readonly<Record<(typeof TOLD)[number], string>>;

/**
 * ledger.anchors against the log: each note is signed, by its witnesses too where the policy knows them, its tree is a beginning of the verified one,
 * and every column is what the note, or the committed event of the anchor, says.
 */
export class AnchorRows {
  readonly #told = new Map<number, Facts>();

  /** A control event whose bytes its leaf commits to. */
  heard({ kind, attributes }: Control): void {
    if (kind !== 'checkpoint.cosigned') return;
    const facts = new Map(attributes.map(({ name, value }) => [name, value]));
    const entries = TOLD.map((name) => [name, facts.get(name) ?? ''] as const);
    this.#told.set(Number(facts.get('tree_size')), Object.fromEntries(entries) as Facts);
  }

  /** @returns rows read, and notes */
  async check(rows: RowBatches, policy: TrustPolicy, source: LogSource, size: number, findings: Findings): Promise<Checked> {
    const seen = new Set<number>();
    let count = 0;
    let untold = 0;
    for await (const row of eachRow(rows)) {
      count += 1;
      const where = `ledger.anchors size ${String(row['c_tree_size'])}`;
      const altered = (column: string, message: string): void => findings.add('column_altered', `${where} column ${column}`, message);
      const checked = checkHead({ ...policy, quorum: null }, String(row['c_note']), `${where} column note`, findings);
      if (checked === null) continue;
      const { head } = checked;
      if (Number(row['c_tree_size']) !== head.size) altered('tree_size', `its note is of ${head.size} leaves`);
      if (row['c_root_hash'] !== head.root.toString('hex')) altered('root_hash', 'its note has another');
      if (seen.has(head.size)) findings.add('row_unexpected', where, 'there is a row of this size already');
      seen.add(head.size);
      if (head.size > size) continue;
      if (!(await isBeginning(source, size, head)))
        findings.add(
          'checkpoint_forked',
          where,
          `the verified tree of ${size} leaves does not begin with it: the key signed two histories`,
        );
      const told = this.#told.get(head.size);
      if (told === undefined) untold += 1;
      else for (const column of differing(row, told)) altered(column, 'the event of this anchor tells another');
    }
    const missing = [...this.#told.keys()].filter((one) => one <= size && !seen.has(one));
    const notes: string[] = [];
    if (untold > 0)
      notes.push(
        `${untold} rows of ledger.anchors have no event in the tree yet: names and times of their witnesses are told by the row alone.`,
      );
    if (missing.length > 0)
      notes.push(
        `ledger.anchors has no row for ${missing.length} checkpoints that the ledger tells were cosigned, the first of ${missing[0]} leaves: a store that was rebuilt has the newest only; their events hold the notes.`,
      );
    return { count, notes };
  }
}

interface Checked {
  readonly count: number;
  readonly notes: readonly string[];
}

function differing(row: ReadRow, told: Facts): string[] {
  const said: Readonly<Record<string, string>> = {
    root_hash: String(row['c_root_hash']),
    note: String(row['c_note']),
    witness_names: (row['c_witness_names'] as unknown[]).map(String).join(','),
    witness_times: (row['c_witness_times'] as unknown[]).map(String).join(','),
  };
  const wanted: Readonly<Record<string, string>> = { ...told, witness_names: told.witnesses };
  return Object.keys(said).filter((column) => said[column] !== wanted[column]);
}

async function isBeginning(source: LogSource, size: number, head: TreeHead): Promise<boolean> {
  try {
    return (await new TileTree({ get: async (path) => source.get(path) }, size).rootAt(head.size)).equals(head.root);
  } catch (error) {
    if (error instanceof AffiantError) return false;
    throw error;
  }
}
