import { z } from 'zod';
import { AffiantError } from '#errors';
import type { EventLog } from '#event-log';
import { TOPICS, type Clock } from '#events';
import type { EngineClient } from '../ledger/engine-client.js';
import type { AuthorityFacts } from '../timestamp-status.js';

/** Consumer group of the ingest, as Kafka knows it. */
const INGEST_GROUP = 'ledger.ingest';
const FRESH_US = 1_000_000;
const ANSWER_MS = 5_000;

const NEWEST = `SELECT tree_size, round, toUnixTimestamp64Micro(sealed_at) AS sealed_us, frontier_sources, frontier_seqs
FROM ledger.checkpoints ORDER BY round DESC LIMIT 1`;

/** Leaves that a source has in the ledger above the frontier of the newest checkpoint. */
const UNSEALED = `SELECT count() AS events FROM ledger.events
WHERE topic != '${TOPICS.checkpoint}'
  AND seq > {frontier_seqs:Array(UInt64)}[indexOf({frontier_sources:Array(String)}, source_id)]`;

const ANCHORED = `SELECT tree_size, toUnixTimestamp64Micro(anchored_at) AS anchored_us FROM ledger.anchors ORDER BY tree_size DESC LIMIT 1`;

/** Of each authority: what it stamped, when its first stamp ends (the newest stamp of each tree counts), and why it failed if that was the last word. */
const STAMPED = `SELECT authority, max(size) AS size, max(granted_us) AS last_us, min(ends) AS first_ends,
  if(max(failed_us) > max(granted_us), argMax(why, failed_us), '') AS failing
FROM
(
  SELECT assumeNotNull(subject) AS authority, if(kind = 'timestamp.granted', toUInt64OrZero(attributes['tree_size']), 0) AS size,
    toInt64(if(kind = 'timestamp.granted', toUnixTimestamp64Micro(max(occurred_at)), 0)) AS granted_us,
    toInt64(if(kind = 'timestamp.granted', 0, toUnixTimestamp64Micro(max(occurred_at)))) AS failed_us,
    if(kind = 'timestamp.granted', max(attributes['certificate_ends']), 'none') AS ends, argMax(attributes['reason'], occurred_at) AS why
  FROM audit.control WHERE kind IN ('timestamp.granted', 'timestamp.failed')
  GROUP BY authority, kind, size
)
GROUP BY authority`;

const number = z.union([z.number(), z.string().regex(/^\d+$/)]).transform(Number);
const newestRow = z.object({
  tree_size: number,
  round: number,
  sealed_us: number,
  frontier_sources: z.array(z.string()),
  frontier_seqs: z.array(number),
});
const unsealedRow = z.object({ events: number });

const stampedRow = z.object({ authority: z.string(), size: number, last_us: number, first_ends: z.string(), failing: z.string() });

const anchoredRow = z.object({ tree_size: number, anchored_us: number });

/** How the ledger is, as somebody sees it who only reads Kafka and the store. */
export interface LedgerState {
  /** Events in Kafka that are not queryable yet; null when it cannot be known. */
  readonly ingestLag: number | null;
  /** Of these and of the queryable ones, how many are not sealed yet. */
  readonly unsealed: number | null;
  readonly sealedSize: number | null;
  readonly sealedRound: number | null;
  /** Microseconds since the Unix epoch; null before the first checkpoint, too. */
  readonly lastSealAt: number | null;
}

const UNKNOWN: LedgerState = { ingestLag: null, unsealed: null, sealedSize: null, sealedRound: null, lastSealAt: null };

/** Asks Kafka and the store at most once a second, however many ask it. */
export class LedgerStateReader {
  #known: { readonly state: Promise<LedgerState>; readonly atUs: number } | null = null;

  constructor(
    private readonly engine: EngineClient,
    private readonly eventLog: Pick<EventLog, 'lag'>,
    private readonly clock: Clock,
  ) {}

  /** Never throws: what cannot be known is null. */
  read(): Promise<LedgerState> {
    const now = this.clock.monotonicUs();
    if (this.#known === null || now - this.#known.atUs > FRESH_US) this.#known = { state: this.#ask(), atUs: now };
    return this.#known.state;
  }

  /** The newest checkpoint that a quorum of witnesses has cosigned; null before the first. @throws AffiantError query_failed, engine_failed */
  async anchored(): Promise<{ readonly size: number; readonly atUs: number } | null> {
    const [newest] = z.array(anchoredRow).parse(await this.#query(ANCHORED, {}));
    return newest === undefined ? null : { size: newest.tree_size, atUs: newest.anchored_us };
  }

  /** What each authority has stamped, by name, as the ledger told it. @throws AffiantError query_failed, engine_failed */
  async stamped(): Promise<ReadonlyMap<string, AuthorityFacts>> {
    const rows = z.array(stampedRow).parse(await this.#query(STAMPED, {}));
    return new Map(
      rows.map(({ authority, size, last_us, first_ends, failing }) => {
        const ends = Date.parse(first_ends);
        const known = { lastUs: last_us === 0 ? null : last_us, size, expiresUs: Number.isNaN(ends) ? null : ends * 1_000 };
        return [authority, { name: authority, ...known, failing: failing === '' ? null : failing }];
      }),
    );
  }

  async #ask(): Promise<LedgerState> {
    const [ingestLag, sealed] = await Promise.all([this.#lag().catch(() => null), this.#sealed().catch(() => null)]);
    if (sealed === null) return { ...UNKNOWN, ingestLag };
    return { ...sealed, ingestLag, unsealed: ingestLag === null ? null : ingestLag + sealed.unsealed };
  }

  async #lag(): Promise<number> {
    let sum = 0;
    for (const waiting of (await this.eventLog.lag(INGEST_GROUP)).values()) sum += waiting;
    return sum;
  }

  async #sealed(): Promise<Omit<LedgerState, 'ingestLag' | 'unsealed'> & { readonly unsealed: number }> {
    const [newest] = z.array(newestRow).parse(await this.#query(NEWEST, {}));
    const params = {
      frontier_sources: `[${(newest?.frontier_sources ?? []).map((name) => `'${name}'`).join(',')}]`,
      frontier_seqs: `[${(newest?.frontier_seqs ?? []).join(',')}]`,
    };
    const [row] = z.array(unsealedRow).parse(await this.#query(UNSEALED, params));
    return {
      unsealed: row?.events ?? 0,
      sealedSize: newest?.tree_size ?? 0,
      sealedRound: newest?.round ?? 0,
      lastSealAt: newest?.sealed_us ?? null,
    };
  }

  async #query(query: string, params: Readonly<Record<string, string>>): Promise<unknown[]> {
    const search = new URLSearchParams({ default_format: 'JSONEachRow', wait_end_of_query: '1' });
    for (const [name, value] of Object.entries(params)) search.set(`param_${name}`, value);
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { status, text } = await this.engine.text({ role: 'evidence', query, params: search, signal });
    if (status !== 200)
      throw new AffiantError('query_failed', 'the ledger does not tell how far it is', { cause: new Error(text.slice(0, 500)) });
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  }
}
