import pg from 'pg';
import { resolveSecret, type PostgresConfig } from '#config';

/** Asks the catalogue's server something. @throws what the client throws when it does not answer */
export async function withPostgres<T>(config: PostgresConfig, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: await resolveSecret(config.url),
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
    application_name: 'affiant-doctor',
  });
  await client.connect();
  try {
    return await ask(client);
  } finally {
    await client.end();
  }
}
