import { AffiantError } from '#errors';
import type { EventCodec } from '#events';
import type { LogRecord } from '#event-log';
import type { LedgerStore } from '#ledger-store';
import { EventReader } from '../read-event.js';
import { digestOf } from './intent.js';
import { rangesOf } from './known-events.js';
import type { Piece } from './pieces.js';

/** Reads back what was inserted: the ledger must hold exactly these rows of the stretch. @throws AffiantError ledger_conflict */
export async function verifyPiece(store: LedgerStore, partition: string, { from, intent, rows }: Piece): Promise<void> {
  const { to, dropped } = intent;
  const held = await store.logDigest({ partition, from, to, except: dropped, sources: rangesOf(rows) });
  if (held.count === rows.length && held.digest === digestOf(rows)) return;
  throw new AffiantError('ledger_conflict', `the ledger holds ${held.count} events where ${rows.length} were inserted, or other ones`, {
    where: `${partition} ${from}-${to}`,
  });
}

/**
 * Compares the last record that the ingest has committed with what the ledger holds of it: a topic that was truncated or made anew
 * has something else there. A dropped resend is held from another place, with the same bytes.
 * @throws AffiantError ledger_conflict; engine_failed
 */
export async function verifyLastRecord(store: Pick<LedgerStore, 'heldEvents'>, record: LogRecord, codec: EventCodec): Promise<void> {
  const { source_id, seq, payload_hash } = new EventReader(codec).read(record).event;
  const held = await store.heldEvents([{ source_id, from: seq, to: seq }]);
  if (held.length === 1 && held[0]!.payload_hash === payload_hash.toString('hex')) return;
  const what = held.length === 0 ? 'does not hold' : 'holds something else than';
  throw new AffiantError('ledger_conflict', `the ledger ${what} the last record that was committed`, {
    where: `${record.partition} ${record.offset}`,
  });
}
