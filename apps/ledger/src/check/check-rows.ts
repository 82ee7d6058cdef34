import { EventCodec, type Control } from '#events';
import { bundlePath, LEAF_BYTES, splitBundle, TILE_WIDTH, tileWidth, type TrustPolicy } from '#tlog';
import { Findings, type LogSource } from '#verify';
import { AnchorRows } from './anchor-rows.js';
import { checkCheckpointRows } from './checkpoint-rows.js';
import { checkEventRows } from './event-rows.js';
import { checkLeafRows } from './leaf-rows.js';
import type { RowBatches } from './row-cursor.js';
import { checkRunRows } from './run-rows.js';
import { SealedLeaves } from './sealed-leaves.js';
import { StampFiles } from './stamp-files.js';

/** Rows of the ledger store in the order of ROW_QUERIES, in batches of any size; nothing about them is trusted. */
export interface LedgerRows {
  readonly events: RowBatches;
  readonly leaves: RowBatches;
  readonly checkpoints: RowBatches;
  /** Null: an export of before these were part of it; they are not checked then, and a note says so. */
  readonly leaf_runs: RowBatches | null;
  readonly anchors: RowBatches | null;
}

export interface RowsReport {
  readonly findings: Findings;
  readonly events: number;
  readonly leaves: number;
  readonly checkpoints: number;
  readonly leaf_runs: number;
  readonly anchors: number;
  readonly notes: readonly string[];
}

/**
 * Checks the ledger store against a log that was verified before: every event's bytes against its leaf, every column against the bytes, every
 * leaf and checkpoint row, and what each checkpoint says of the sources. Holds about 100 bytes a leaf in memory.
 * @param size of the verified tree. @throws what the iterables throw.
 */
export async function checkRows(source: LogSource, size: number, policy: TrustPolicy, rows: LedgerRows): Promise<RowsReport> {
  const findings = new Findings();
  const sealed = new SealedLeaves();
  const checkpoints = await checkCheckpointRows(rows.checkpoints, policy, size, findings);
  const leaves = await checkLeafRows(rows.leaves, leavesOf(source, size), checkpoints.rows, sealed, findings);
  const stamps = new StampFiles();
  const anchorRows = new AnchorRows();
  const heard = (event: Control, where: string): void => {
    stamps.heard(event, where);
    anchorRows.heard(event);
  };
  const runs = rows.leaf_runs === null ? 0 : await checkRunRows(rows.leaf_runs, sealed.inOrder(), checkpoints.rows, findings);
  const events = await checkEventRows(rows.events, sealed, checkpoints.rows, new EventCodec(), findings, heard);
  await stamps.check(source, findings);
  const anchors = rows.anchors === null ? null : await anchorRows.check(rows.anchors, policy, source, size, findings);
  const left = [rows.leaf_runs === null ? 'ledger.leaf_runs' : '', rows.anchors === null ? 'ledger.anchors' : ''].filter(Boolean);
  const notes = [
    'ingested_at and sealed_at are when this installation took an event in and sealed it, by its own clock; nothing commits to them, and only the order of sealed_at between rounds is checked.',
    ...events.notes,
    ...(anchors?.notes ?? []),
    ...(left.length === 0 ? [] : [`${left.join(' and ')} are not in this export, so they were not checked: make it anew.`]),
  ];
  return {
    findings,
    events: events.count,
    leaves,
    checkpoints: checkpoints.rows.length,
    leaf_runs: runs,
    anchors: anchors?.count ?? 0,
    notes,
  };
}

/** The leaves, by bundle. */
async function* leavesOf(source: LogSource, size: number): AsyncIterable<readonly Buffer[]> {
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const width = tileWidth(0, index, size);
    const bytes =
      (await source.get(bundlePath(index, width))) ?? (await source.get(bundlePath(index)))?.subarray(0, width * (2 + LEAF_BYTES));
    yield splitBundle(bytes ?? Buffer.alloc(0), width) ?? [];
  }
}
