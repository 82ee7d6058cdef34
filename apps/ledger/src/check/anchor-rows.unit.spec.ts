import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Control } from '#events';
import { readCheckpoint } from '#tlog';
import { DirectorySource, Findings, policyOfVkey } from '#verify';
import { LeafMaker, makeLog, seeded, type MadeLog } from '../../../../libs/verify/src/testing/make-log.js';
import { AnchorRows } from './anchor-rows.js';
import type { ReadRow } from './row-columns.js';

let directory: string;
let log: MadeLog;
let row: ReadRow;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchors-'));
  log = await makeLog(join(directory, 'log'), [3, 4], new LeafMaker(seeded(3), 2));
  const note = log.notes[0]!;
  const { size, root } = readCheckpoint(note);
  row = {
    c_tree_size: String(size),
    c_root_hash: root.toString('hex'),
    c_note: note,
    c_witness_names: ['north', 'south'],
    c_witness_times: [1_790_000_000, '1790000001'],
  };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const event = (): Control => ({
  envelope: {} as Control['envelope'],
  kind: 'checkpoint.cosigned',
  outcome: 'success',
  subject: 'log',
  attributes: Object.entries({
    tree_size: String(row['c_tree_size']),
    root_hash: String(row['c_root_hash']),
    note: String(row['c_note']),
    witnesses: 'north,south',
    witness_times: '1790000000,1790000001',
  }).map(([name, value]) => ({ name, value })),
  detail: null,
});

async function check(
  rows: readonly ReadRow[],
  events: readonly Control[] = [event()],
): Promise<{ found: string[]; notes: readonly string[] }> {
  const anchors = new AnchorRows();
  for (const one of events) anchors.heard(one);
  const findings = new Findings();
  const list = (async function* () {
    yield rows;
  })();
  const { notes } = await anchors.check(list, policyOfVkey(log.signer.vkey), new DirectorySource(log.directory), log.size, findings);
  return { found: findings.list.map(({ code, where }) => `${code} ${where}`), notes };
}

describe('rows of ledger.anchors', () => {
  it('agree with the tree and with what the ledger told', async () => {
    expect(await check([row])).toEqual({ found: [], notes: [] });
  });

  it.each([
    ['tree_size', '4'],
    ['root_hash', '00'.repeat(32)],
    ['witness_names', ['north', 'sputh']],
    ['witness_times', [1_790_000_000, 1_790_000_002]],
  ])('with another %s are named', async (column, value) => {
    const where = `ledger.anchors size ${column === 'tree_size' ? '4' : '3'} column ${column}`;
    expect((await check([{ ...row, [`c_${column}`]: value }])).found[0]).toBe(`column_altered ${where}`);
  });

  it('of another history, twice, by another key, or gone, are named', async () => {
    const fork = await makeLog(join(directory, 'fork'), [3], new LeafMaker(seeded(4), 2), log.signer);
    const forked = { ...row, c_note: fork.notes[0]!, c_root_hash: readCheckpoint(fork.notes[0]!).root.toString('hex') };
    expect((await check([forked], [])).found).toEqual(['checkpoint_forked ledger.anchors size 3']);
    expect((await check([row, row])).found).toEqual(['row_unexpected ledger.anchors size 3']);
    const other = await makeLog(join(directory, 'other'), [3], new LeafMaker(seeded(4), 2));
    expect((await check([{ ...row, c_note: other.notes[0]! }])).found).toEqual(['checkpoint_invalid ledger.anchors size 3 column note']);
    expect((await check([])).notes[0]).toContain('no row for 1 checkpoints');
  });
});
