import { AffiantError } from '#errors';
import type { EventCodec } from '#events';
import type { LogRecord } from '#event-log';
import type { LedgerStore } from '#ledger-store';
import { EventReader, isLogPlace } from '../read-event.js';
import { digestOf } from './intent.js';
import { rangesOf } from './known-events.js';
import type { Piece } from './pieces.js';

/** Reads back what was inserted: the ledger must hold exactly these rows of the stretch. @throws AffiantError ledger_conflict */
export async function verifyPiece(store: LedgerStore, partition: string, piece: Piece): Promise<void> {
  const { count, isSame } = await compare(store, partition, piece);
  if (isSame) return;
  throw new AffiantError('ledger_conflict', `the ledger holds ${count} events where ${piece.rows.length} were inserted, or other ones`, {
    where: `${partition} ${piece.from}-${piece.intent.to}`,
  });
}

/** True when the ledger holds every record of the stretch already, byte for byte, by whatever release it was inserted. */
export async function holdsPiece(store: LedgerStore, partition: string, piece: Piece): Promise<boolean> {
  return (await compare(store, partition, piece)).isSame;
}

async function compare(store: LedgerStore, partition: string, piece: Piece): Promise<{ count: number; isSame: boolean }> {
  const { from, intent, rows } = piece;
  const { to, dropped } = intent;
  // A release that did not know a schema id may have made this stretch: what it could not read stands under its place in the log.
  const places = isLogPlace(partition) ? [{ source_id: partition, from, to }] : [];
  const held = await store.logDigest({ partition, from, to, except: dropped, sources: [...rangesOf(rows), ...places] });
  return { count: held.count, isSame: held.count === rows.length && held.digest === digestOf(rows) };
}

/**
 * Compares the last record that the ingest has committed with what the ledger holds of it: a topic that was truncated or made anew
 * has something else there. A dropped resend is held from another place, with the same bytes; what an earlier release could not read yet is held
 * under its place in the log.
 * @throws AffiantError ledger_conflict; engine_failed
 */
export async function verifyLastRecord(store: Pick<LedgerStore, 'heldEvents'>, record: LogRecord, codec: EventCodec): Promise<void> {
  const { source_id, seq, payload_hash } = new EventReader(codec).read(record).event;
  const place = { source_id: record.partition, from: record.offset, to: record.offset };
  const held = await store.heldEvents([{ source_id, from: seq, to: seq }, ...(isLogPlace(record.partition) ? [place] : [])]);
  if (held.some((event) => event.payload_hash === payload_hash.toString('hex'))) return;
  const what = held.length === 0 ? 'does not hold' : 'holds something else than';
  throw new AffiantError('ledger_conflict', `the ledger ${what} the last record that was committed`, {
    where: `${record.partition} ${record.offset}`,
  });
}
