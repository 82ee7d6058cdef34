import type { ContentCheckPorts, ContentRange } from './port.js';

/** A row of ledger.content with digests in place of its texts: they are taken by the engine, so no text travels. Numbers are text: a flipped bit may make them too large. */
export interface ReadContent {
  readonly source_id: string;
  readonly seq: string;
  readonly occurred_at: string;
  readonly session_id: string;
  readonly exchange_id: string;
  readonly content_key: string;
  /** Lower hex; parallel where nobody touched them. */
  readonly segment_sha256: readonly string[];
  readonly segment_content: readonly string[];
}

/** Seqs of ledger.events, both ends included. */
export interface SourceSpan {
  readonly source_id: string;
  readonly from: number;
  readonly to: number;
  /** How many there are: seqs may have holes. */
  readonly events: number;
}

type Store = ContentCheckPorts['store'];

const ROWS = `SELECT toString(source_id) AS source_id, toString(seq) AS seq, toString(toUnixTimestamp64Micro(occurred_at)) AS occurred_at, session_id,
   exchange_id, content_key, arrayMap(digest -> lower(hex(digest)), c.segment_sha256) AS segment_sha256,
   arrayMap(text -> lower(hex(SHA256(text))), c.segment_content) AS segment_content
 FROM ledger.content AS c WHERE`;

/** Most rows told of that lie where no event can be. */
const MAX_STRAYS = 1_000;

/** What ledger.events holds of each source now, or of those with events of that time: where rows come later, this check does not look. */
export function spans(store: Store, { from, to }: ContentRange): Promise<SourceSpan[]> {
  return store.query<SourceSpan>(
    `SELECT toString(source_id) AS source_id, min(seq) AS from, max(seq) AS to, count() AS events FROM ledger.events
     WHERE occurred_at >= fromUnixTimestamp64Micro({begin:Int64}) AND occurred_at < fromUnixTimestamp64Micro({end:Int64})
     GROUP BY source_id ORDER BY source_id`,
    { begin: from ?? 0, end: to ?? Date.UTC(2290, 0) * 1000 },
  );
}

export function rowsBetween(store: Store, source: string, from: number, to: number): Promise<ReadContent[]> {
  return store.query<ReadContent>(`${ROWS} c.source_id = {source:String} AND c.seq BETWEEN {from:UInt64} AND {to:UInt64}`, {
    source,
    from,
    to,
  });
}

export function rowsAt(store: Store, places: readonly { readonly source_id: string; readonly seq: string }[]): Promise<ReadContent[]> {
  return store.query<ReadContent>(
    `${ROWS} (toString(c.source_id), c.seq) IN (SELECT arrayJoin(arrayZip({sources:Array(String)}, arrayMap(seq -> toUInt64(seq), {seqs:Array(String)}))))`,
    { sources: places.map(({ source_id }) => source_id), seqs: places.map(({ seq }) => seq) },
  );
}

/** Rows outside of every span: of a source without events, or before the first or behind the last event of theirs. */
export function strays(store: Store, known: readonly SourceSpan[]): Promise<ReadContent[]> {
  // transform() wants at least one pair; no source has an empty name. A source that is not known has no first seq that a row could be behind of.
  const pairs = [{ source_id: '', from: 1, to: 0, events: 0 }, ...known];
  const bound = (name: 'froms' | 'tos', otherwise: number): string =>
    `transform(toString(c.source_id), {sources:Array(String)}, {${name}:Array(UInt64)}, toUInt64(${otherwise}))`;
  return store.query<ReadContent>(`${ROWS} (c.seq < ${bound('froms', 1)} OR c.seq > ${bound('tos', 0)}) LIMIT ${MAX_STRAYS}`, {
    sources: pairs.map(({ source_id }) => source_id),
    froms: pairs.map(({ from }) => from),
    tos: pairs.map(({ to }) => to),
  });
}

/** Rows by where they are. */
export function byPlace(rows: readonly ReadContent[]): Map<string, ReadContent[]> {
  const places = new Map<string, ReadContent[]>();
  for (const row of rows) {
    const place = placeOf(row);
    const there = places.get(place);
    if (there === undefined) places.set(place, [row]);
    else there.push(row);
  }
  return places;
}

export const placeOf = ({ source_id, seq }: { readonly source_id: string; readonly seq: string | number }): string => `${source_id} ${seq}`;
