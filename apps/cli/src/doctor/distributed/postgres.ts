import type pg from 'pg';
import type { PostgresConfig } from '#config';
import { fail, warn, worst, type Check, type Finding } from '../check.js';
import { withPostgres } from './pg-client.js';

const OLDEST = 140_000;

/** The catalogue's server: version, durability, room for our connections, and whether its tables are there. */
export const postgresCheck = (config: PostgresConfig): Check => ({
  id: 'postgres',
  title: 'PostgreSQL',
  run: () => withPostgres(config, (client) => look(client, config.pool)),
});

async function look(client: pg.Client, pool: number): Promise<Finding> {
  const setting = async (name: string): Promise<string> =>
    ((await client.query('SELECT current_setting($1) AS value', [name])).rows as { value: string }[])[0]?.value ?? '';
  const version = Number(await setting('server_version_num'));
  const told = `version ${await setting('server_version')}`;
  const findings: Finding[] = [];
  if (version < OLDEST) findings.push(fail(told, 'Use PostgreSQL 14 or newer.'));
  for (const name of ['fsync', 'full_page_writes'])
    if ((await setting(name)) !== 'on') findings.push(fail(`${name} is off`, 'Switch it on: a crash would take back decisions.'));
  if ((await setting('synchronous_commit')) === 'off')
    findings.push(fail('synchronous_commit is off', 'Switch it on: an approval would be told before it is durable.'));
  const connections = Number(await setting('max_connections'));
  // Four services and a second of each during an upgrade.
  if (connections < pool * 8)
    findings.push(warn(`max_connections ${connections} for pools of ${pool}`, `Raise it to ${pool * 8}, or lower postgres.pool.`));
  const { rows } = await client.query("SELECT to_regclass('catalogue_migration') IS NOT NULL AS there, pg_is_in_recovery() AS replica");
  const [state] = rows as { there: boolean; replica: boolean }[];
  if (state?.replica === true) findings.push(fail('this server is a read-only replica', 'Name the primary in postgres.url.'));
  let migrations = 'no tables yet; the first service makes them';
  if (state?.there === true) {
    const made = (await client.query('SELECT name FROM catalogue_migration ORDER BY id')).rows as { name: string }[];
    migrations = `${made.length} migrations, the last is ${made.at(-1)?.name ?? 'none'}`;
  }
  return worst(findings, `${told}, ${migrations}`);
}
