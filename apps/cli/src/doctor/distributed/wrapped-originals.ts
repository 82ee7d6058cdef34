import type { PostgresConfig } from '#config';
import type { WrappedCounts } from '../originals.js';
import { withPostgres } from './pg-client.js';

/** Pairs of one answer. */
const PAIRS = 100;

/** Counts live keys by the name that their wrapped text begins with. Not there before the first service has made the tables. */
const COUNT_WRAPPED = `SELECT split_part(wrapped, '.', 1) AS pair, count(*)::int AS keys
  FROM original_key WHERE wrapped IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT ${PAIRS}`;
const THERE = `SELECT to_regclass('original_key') IS NOT NULL AS there`;

/** What the catalogue's server says. @throws what the client throws when it does not answer */
export const countWrapped = (config: PostgresConfig): Promise<WrappedCounts> =>
  withPostgres(config, async (client) => {
    const [found] = (await client.query(THERE)).rows as { there: boolean }[];
    return found?.there === true ? ((await client.query(COUNT_WRAPPED)).rows as WrappedCounts) : [];
  });
