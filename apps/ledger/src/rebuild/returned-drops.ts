import type { LedgerStore } from '#ledger-store';

export interface ReturnedDrop {
  readonly partition: number;
  readonly record_class: string;
  readonly rows: number;
}

/** Months and classes of which the ledger tells that they were dropped, and holds events all the same. @throws AffiantError engine_failed */
export async function returnedDrops(store: Pick<LedgerStore, 'query'>): Promise<ReturnedDrop[]> {
  const { CLASS_TYPES } = await import('#retention');
  const dropped = await store.query<{ partition: number; record_class: string }>(
    `SELECT DISTINCT toUInt32OrZero(arrayFirst(one -> one.1 = 'partition', fields.attributes).2) AS partition,
       arrayFirst(one -> one.1 = 'class', fields.attributes).2 AS record_class
     FROM ledger.events WHERE event_type = 'control' AND fields.kind = 'retention.dropped' ORDER BY partition, record_class`,
  );
  const returned: ReturnedDrop[] = [];
  for (const { partition, record_class } of dropped) {
    const types = (CLASS_TYPES as Readonly<Record<string, readonly string[]>>)[record_class] ?? [];
    const [row] = await store.query<{ n: number }>(
      'SELECT count() AS n FROM ledger.events WHERE toYYYYMM(occurred_at) = {partition:UInt32} AND event_type IN {types:Array(String)}',
      { partition, types: [...types] },
    );
    if ((row?.n ?? 0) > 0) returned.push({ partition, record_class, rows: row?.n ?? 0 });
  }
  return returned;
}
