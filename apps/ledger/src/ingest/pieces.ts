import type { LogBatch } from '#event-log';
import type { EventRow } from '#ledger-store';
import { tokenOf, type Intent } from './intent.js';
import { MAX_RUN_BYTES } from './offset-list.js';

/** What one intent covers: a stretch of the batch, the rows to insert, and the offsets that are none. */
export interface Piece {
  readonly from: number;
  readonly intent: Intent;
  readonly rows: readonly EventRow[];
  /** Its intent was open before: the rows may be in the ledger. */
  readonly again?: true;
}

/** Room in an intent for the list of dropped offsets; the rest of it stays below 1,000 bytes. */
const MAX_DROPPED_RUNS = Math.floor(3_000 / MAX_RUN_BYTES);

/** Cuts a batch so that each intent can name what it drops. Nearly always one piece: runs of dropped offsets are few. */
export function piecesOf(batch: LogBatch, rows: readonly EventRow[], dropped: readonly number[], at: number): Piece[] {
  const out = new Set(dropped);
  const pieces: Piece[] = [];
  let begin = 0;
  let runs = 0;
  for (let end = 0; end <= rows.length; end += 1) {
    const row = rows[end];
    const opensRun = row !== undefined && out.has(row.log_offset) && !(end > begin && out.has(row.log_offset - 1));
    if (row !== undefined && !(opensRun && runs === MAX_DROPPED_RUNS)) {
      if (opensRun) runs += 1;
      continue;
    }
    if (end > begin) pieces.push(piece(batch, rows.slice(begin, end), out, at));
    begin = end;
    runs = opensRun ? 1 : 0;
  }
  return pieces;
}

/** The stretch that an open intent names, with the very rows it was made for; its token tells whether they still are the same. */
export function pieceAgain(batch: LogBatch, rows: readonly EventRow[], { dropped, at }: Intent): Piece {
  const again = at === null ? rows : rows.map((row) => ({ ...row, ingested_at: at }));
  return { ...piece(batch, again, new Set(dropped), at ?? rows[0]!.ingested_at), again: true };
}

function piece({ partition }: LogBatch, stretch: readonly EventRow[], out: ReadonlySet<number>, at: number): Piece {
  const from = stretch[0]!.log_offset;
  const to = stretch.at(-1)!.log_offset;
  const rows = out.size === 0 ? stretch : stretch.filter((row) => !out.has(row.log_offset));
  const dropped = out.size === 0 ? [] : stretch.map((row) => row.log_offset).filter((offset) => out.has(offset));
  return { from, rows, intent: { to, at, dropped, token: tokenOf(partition, from, to, rows) } };
}
