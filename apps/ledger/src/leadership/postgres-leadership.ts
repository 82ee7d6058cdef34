import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '#observability';
import type { Leadership, Term } from '../ports.js';

export interface PostgresLeadershipOptions {
  /** postgres://user:password@host/database; not through a pooler that shares sessions. */
  readonly url: string;
  /** What is led: the origin of the log. */
  readonly name: string;
  readonly logger: Logger;
  /** Milliseconds between two tries, and between two looks whether the session still lives. Default 1,000. */
  readonly everyMs?: number;
  /** Milliseconds without an answer after which the lead counts as lost. Default 5,000. */
  readonly silenceMs?: number;
}

/**
 * Lead by an advisory lock of a PostgreSQL session of its own. The server gives the lock up when the session ends, so a process that is killed
 * is followed within seconds. A process that is only cut off may believe in its lead a little longer: the swap of the sealed state refuses it.
 */
export class PostgresLeadership implements Leadership {
  constructor(private readonly options: PostgresLeadershipOptions) {}

  async acquire(signal: AbortSignal): Promise<Term> {
    const { everyMs = 1_000, logger } = this.options;
    for (let failing = false; ;) {
      signal.throwIfAborted();
      try {
        const term = await this.#try(signal);
        if (term !== null) return term;
        failing = false;
      } catch (error) {
        // Said once: PostgreSQL being away is told of by everything that needs it.
        if (!failing) logger.warn({ reason: String(error) }, 'the lead cannot be asked for; trying again');
        failing = true;
      }
      await delay(everyMs, undefined, { signal });
    }
  }

  async #try(signal: AbortSignal): Promise<Term | null> {
    const { url, silenceMs = 5_000 } = this.options;
    const client = new pg.Client({
      connectionString: url,
      application_name: 'affiant sequencer lead',
      connectionTimeoutMillis: silenceMs,
      query_timeout: silenceMs,
      keepAlive: true,
    });
    const lost = new AbortController();
    client.on('error', () => lost.abort());
    client.on('end', () => lost.abort());
    try {
      await client.connect();
      const [high, low] = keyOf(this.options.name);
      const { rows } = await client.query<{ led: boolean }>('SELECT pg_try_advisory_lock($1::int, $2::int) AS led', [high, low]);
      if (rows[0]?.led === true && !signal.aborted) return this.#term(client, lost);
      await client.end();
      return null;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  #term(client: pg.Client, lost: AbortController): Term {
    const { everyMs = 1_000 } = this.options;
    const watching = this.#watch(client, lost, everyMs);
    const release = async (): Promise<void> => {
      lost.abort();
      await watching;
      await client.end().catch(() => undefined);
    };
    return { lost: lost.signal, release };
  }

  /** A session that the network has swallowed ends without a word: only asking finds out. */
  async #watch(client: pg.Client, lost: AbortController, everyMs: number): Promise<void> {
    while (!lost.signal.aborted) {
      await delay(everyMs, undefined, { signal: lost.signal, ref: false }).catch(() => undefined);
      if (lost.signal.aborted) return;
      try {
        await client.query('SELECT 1');
      } catch {
        lost.abort();
      }
    }
  }
}

/** Two signed 32-bit numbers, as the lock takes them. */
function keyOf(name: string): [number, number] {
  const digest = createHash('sha256').update(`affiant sequencer ${name}`).digest();
  return [digest.readInt32BE(0), digest.readInt32BE(4)];
}
