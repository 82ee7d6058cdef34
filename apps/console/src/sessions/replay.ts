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

const IN_SESSION = 'WHERE session_id = {session:String}';

const EXCHANGES = `SELECT * FROM audit.exchanges ${IN_SESSION} ORDER BY started_at, exchange_id LIMIT 1000`;
const DECISIONS = `SELECT * FROM audit.decisions ${IN_SESSION} ORDER BY occurred_at, event_id LIMIT 10000`;
const BODIES = `SELECT exchange_id, direction, body FROM audit.bodies ${IN_SESSION} LIMIT 2000`;
const TIMELINES = `SELECT exchange_id, JSONExtractRaw(data, 'timeline') AS timeline FROM audit.events ${IN_SESSION} AND event_type = 'response' LIMIT 1000`;

/** The exchanges of a session in order, each with what was decided, what passed (masked) and when. */
export async function replaySession(ledger: LedgerReader, caller: Caller, session: string): Promise<readonly ReplayStep[]> {
  const exchanges = await ledger.read(caller, EXCHANGES, { session });
  if (exchanges.length === 0) return [];
  const decisions = await ledger.read(caller, DECISIONS, { session });
  const bodies = await ledger.read(caller, BODIES, { session });
  const timelines = await ledger.read(caller, TIMELINES, { session });
  const body = (id: unknown, direction: string): string | null => {
    const found = bodies.find((row) => row['exchange_id'] === id && row['direction'] === direction);
    return typeof found?.['body'] === 'string' ? found['body'] : null;
  };
  return exchanges.map((exchange) => {
    const id = exchange['exchange_id'];
    return {
      exchange,
      decisions: decisions.filter((row) => row['exchange_id'] === id),
      request_body: body(id, 'request'),
      response_body: body(id, 'response'),
      timeline: parseTimeline(timelines.find((row) => row['exchange_id'] === id)?.['timeline']),
    };
  });
}

function parseTimeline(raw: unknown): ReplayStep['timeline'] {
  if (typeof raw !== 'string' || raw === '') return [];
  return (JSON.parse(raw) as { at_us: number; bytes: number }[]).map(({ at_us, bytes }) => ({ at_us, bytes }));
}
