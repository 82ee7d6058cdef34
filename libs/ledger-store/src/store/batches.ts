import type { ContentRow, EventRow } from '../port.js';

export interface Batch<Row> {
  /** Names the batch within its token: month and number. */
  readonly key: string;
  readonly rows: readonly Row[];
}

/** An insert must be one block of the engine to be atomic; these bounds keep it far below the engine's. */
const MAX_ROWS = 100_000;
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Cuts rows into inserts that each touch one month partition. A pure function of the rows, so that a replay cuts alike and every part
 * meets its own token again.
 */
export function batches<Row extends EventRow | ContentRow>(rows: readonly Row[]): Batch<Row>[] {
  const months = new Map<string, { rows: Row[]; bytes: number }[]>();
  for (const row of rows) {
    const month = monthOf(row.occurred_at);
    const bytes = sizeOf(row);
    let parts = months.get(month);
    if (parts === undefined) months.set(month, (parts = []));
    let part = parts.at(-1);
    if (part === undefined || part.rows.length >= MAX_ROWS || part.bytes + bytes > MAX_BYTES) parts.push((part = { rows: [], bytes: 0 }));
    part.rows.push(row);
    part.bytes += bytes;
  }
  return [...months].flatMap(([month, parts]) => parts.map((part, index) => ({ key: `${month}/${index}`, rows: part.rows })));
}

function sizeOf(row: EventRow | ContentRow): number {
  let bytes = 512;
  if ('raw' in row) bytes += row.raw.length + row.data.length + row.leaf.length;
  for (const content of row.segment_content) bytes += content.length;
  return bytes;
}

let cached = { from: 0, to: 0, month: '' };

/** The partition key toYYYYMM(occurred_at) in UTC. Neighbouring rows share a month, so the last one is remembered. */
function monthOf(micros: number): string {
  const ms = Math.floor(micros / 1000);
  if (ms >= cached.from && ms < cached.to) return cached.month;
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  const name = `${year}${String(month + 1).padStart(2, '0')}`;
  cached = { from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 1), month: name };
  return name;
}
