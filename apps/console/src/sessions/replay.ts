import type { LedgerReader, LedgerRow } from '../ledger/ledger-reader.js';
import type { Caller } from '../access/caller.guard.js';

export interface ReplayStep {
  readonly exchange: LedgerRow;
  readonly decisions: readonly LedgerRow[];
  /** Masked text; null when the exchange has none. */
  readonly request_body: string | null;
  readonly response_body: string | null;
  /** When which part of the response reached the client: microseconds since the request's arrival, and masked bytes. */
  readonly timeline: readonly { readonly at_us: number; readonly bytes: number }[];
}

export interface ReplayPage {
  readonly steps: readonly ReplayStep[];
  /** Exchange to go on after; null when there is no more. */
  readonly next: string | null;
}

/** Exchanges of one page, and bytes of bodies: an agent resends its whole conversation, so the bodies of a long session are hundreds of megabytes together. */
const PAGE_EXCHANGES = 100;
const PAGE_BYTES = 16 * 1024 * 1024;

const IN_PAGE = 'WHERE session_id = {session:String} AND exchange_id >= {first:String} AND exchange_id <= {last:String}';

// Exchange ids are UUIDv7: their order is that of time, and reading on after one reads nothing before it.
const EXCHANGES = `SELECT * FROM audit.exchanges WHERE session_id = {session:String} AND exchange_id > {after:String} ORDER BY exchange_id LIMIT {limit:UInt32}`;
const DECISIONS = `SELECT * FROM audit.decisions ${IN_PAGE} ORDER BY occurred_at, event_id LIMIT 10000`;
const BODIES = `SELECT exchange_id, direction, body FROM audit.bodies ${IN_PAGE} LIMIT 2000`;
const TIMELINES = `SELECT exchange_id, JSONExtractRaw(data, 'timeline') AS timeline FROM audit.events ${IN_PAGE} AND event_type = 'response' LIMIT 1000`;

/** The exchanges of a session in order, from the one behind `after` on (empty: the first), each with what was decided, what passed (masked) and when. */
export async function replaySession(ledger: LedgerReader, caller: Caller, session: string, after: string): Promise<ReplayPage> {
  const found = await ledger.read(caller, EXCHANGES, { session, after, limit: PAGE_EXCHANGES + 1 });
  const exchanges = found.slice(0, fitting(found));
  if (exchanges.length === 0) return { steps: [], next: null };
  const [first, last] = [idOf(exchanges[0]!), idOf(exchanges.at(-1)!)];
  const decisions = await ledger.read(caller, DECISIONS, { session, first, last });
  const bodies = await ledger.read(caller, BODIES, { session, first, last });
  const timelines = await ledger.read(caller, TIMELINES, { session, first, last });
  const body = (id: unknown, direction: string): string | null => {
    const row = bodies.find((each) => each['exchange_id'] === id && each['direction'] === direction);
    return typeof row?.['body'] === 'string' ? row['body'] : null;
  };
  const steps = exchanges.map((exchange) => {
    const id = exchange['exchange_id'];
    return {
      exchange,
      decisions: decisions.filter((row) => row['exchange_id'] === id),
      request_body: body(id, 'request'),
      response_body: body(id, 'response'),
      timeline: parseTimeline(timelines.find((row) => row['exchange_id'] === id)?.['timeline']),
    };
  });
  return { steps, next: exchanges.length < found.length ? last : null };
}

const idOf = (exchange: LedgerRow): string => String(exchange['exchange_id']);

/** How many of the exchanges fit a page; always one. */
function fitting(exchanges: readonly LedgerRow[]): number {
  let bytes = 0;
  const beyond = exchanges.findIndex((exchange, index) => {
    bytes += Number(exchange['request_length'] ?? 0) + Number(exchange['response_length'] ?? 0);
    return index > 0 && (index === PAGE_EXCHANGES || bytes > PAGE_BYTES);
  });
  return beyond === -1 ? exchanges.length : beyond;
}

function parseTimeline(raw: unknown): ReplayStep['timeline'] {
  if (typeof raw !== 'string' || raw === '') return [];
  return (JSON.parse(raw) as { at_us: number; bytes: number }[]).map(({ at_us, bytes }) => ({ at_us, bytes }));
}
