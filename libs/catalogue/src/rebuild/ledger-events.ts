import type { DecodedEvent, EventCodec } from '#events';
import type { LedgerStore } from '#ledger-store';

const PAGE = 2_000;

/** What the catalogue is rebuilt from, out of the ledger: steps of approvals, packets, holds and drops, by source and seq. @throws AffiantError engine_failed */
export async function* catalogueEvents(store: Pick<LedgerStore, 'query'>, codec: EventCodec): AsyncGenerator<DecodedEvent> {
  let after = { source: '', seq: '0' };
  for (;;) {
    const rows = await store.query<{ source: string; at: string; raw: string }>(
      `SELECT source_id AS source, toString(seq) AS at, hex(raw) AS raw FROM ledger.events
       WHERE (source_id, seq) > ({source:String}, {seq:UInt64}) AND (
         (event_type = 'decision' AND startsWith(JSONExtractString(data, 'kind'), 'approval_')) OR
         (event_type = 'control' AND (JSONExtractString(data, 'kind') = 'packet.created' OR
            startsWith(JSONExtractString(data, 'kind'), 'hold.') OR startsWith(JSONExtractString(data, 'kind'), 'retention.'))))
       ORDER BY source_id, seq LIMIT {page:UInt32}`,
      { ...after, page: PAGE },
    );
    for (const { raw } of rows) yield codec.decode(Buffer.from(raw, 'hex'));
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = { source: last.source, seq: last.at };
  }
}
