import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { resolveSecret, type ClickHouseConfig, type LoginConfig } from '#config';
import { fail, ok, warn, worst, type Check, type Finding } from '../check.js';

const READERS = ['auditor', 'examiner', 'evidence'] as const;

/** The server, its logins and what each may do, and the settings that exactly-once inserts rely on. */
export const clickhouseChecks = (config: ClickHouseConfig): Check[] => [
  { id: 'clickhouse.server', title: 'ClickHouse server', run: () => as(config, config.writer, (client) => checkServer(client, config)) },
  { id: 'clickhouse.tables', title: 'ClickHouse tables', run: () => as(config, config.writer, (client) => checkTables(client, config)) },
  {
    id: 'clickhouse.roles',
    title: 'ClickHouse rights',
    run: async () => {
      const writer = await as(config, config.writer, checkWriter);
      const readers = await Promise.all(READERS.map((name) => as(config, config[name], (client) => checkReader(client, name))));
      return worst([writer, ...readers], 'writer cannot change or delete, readers can only read');
    },
  },
];

async function as(config: ClickHouseConfig, login: LoginConfig, look: (client: ClickHouseClient) => Promise<Finding>): Promise<Finding> {
  const headers: Record<string, string> = {};
  for (const [name, ref] of Object.entries(config.headers ?? {})) headers[name] = await resolveSecret(ref);
  const client = createClient({
    url: config.url,
    username: login.user,
    password: await resolveSecret(login.password),
    http_headers: headers,
    request_timeout: 10_000,
    log: { level: 127 },
  });
  try {
    return await look(client);
  } finally {
    await client.close();
  }
}

const rows = async <T>(client: ClickHouseClient, query: string): Promise<T[]> =>
  (await client.query({ query, format: 'JSONEachRow' })).json<T>();

/** Servers print a boolean setting as 1 or as true. */
const isOn = (value: string | undefined): boolean => value === '1' || value === 'true';

async function checkServer(client: ClickHouseClient, { url, cluster }: ClickHouseConfig): Promise<Finding> {
  // By functions, not from system tables: reading those is a right not every login has.
  const [told] = await rows<{ version: string; async_insert: string; deduplicate: string }>(
    client,
    "SELECT version() AS version, toString(getSetting('async_insert')) AS async_insert, toString(getSetting('insert_deduplicate')) AS deduplicate",
  );
  const findings: Finding[] = [];
  // Our inserts set both themselves; a profile that pins them otherwise would make every insert fail or be lost.
  if (isOn(told?.async_insert))
    findings.push(
      warn('async_insert is on for the writer', 'Leave it off: an insert is acknowledged when it is on disk (ops/clickhouse/roles.sql).'),
    );
  if (!isOn(told?.deduplicate))
    findings.push(fail('insert_deduplicate is off for the writer', 'Switch it on: a replayed batch would be doubled.'));
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
    findings.push(fail('no TLS to ClickHouse', 'Use its https port.'));
  if (cluster !== undefined) {
    const nodes = await rows<{ host_name: string; errors_count: number }>(
      client,
      `SELECT host_name, errors_count FROM system.clusters WHERE cluster = '${cluster}'`,
    );
    if (nodes.length === 0) findings.push(fail(`there is no cluster ${cluster}`, 'Name one of system.clusters in clickhouse.cluster.'));
    const bad = nodes.filter(({ errors_count }) => errors_count > 0);
    if (bad.length > 0)
      findings.push(warn(`errors on the way to ${bad.map(({ host_name }) => host_name).join(', ')}`, 'Look at those nodes.'));
  }
  return worst(findings, `version ${told?.version ?? 'unknown'}`);
}

async function checkTables(client: ClickHouseClient, { cluster }: ClickHouseConfig): Promise<Finding> {
  const tables = await rows<{ name: string; engine: string }>(
    client,
    "SELECT name, engine FROM system.tables WHERE database = 'ledger' AND engine LIKE '%MergeTree'",
  );
  if (!tables.some(({ name }) => name === 'events'))
    return fail('the ledger tables are not there', 'Run `affiant ledger migrate --config FILE`.');
  const plain = tables.filter(({ engine }) => !engine.startsWith('Replicated'));
  if (cluster !== undefined && plain.length > 0)
    return fail(
      `not replicated: ${plain.map(({ name }) => name).join(', ')}`,
      'They were made without clickhouse.cluster; migrate them by hand (docs/guide/upgrade.md).',
    );
  if (cluster === undefined) return ok(`${tables.length}, one copy each`);
  const readonly = await rows<{ table: string }>(
    client,
    "SELECT table FROM system.replicas WHERE database = 'ledger' AND (is_readonly OR active_replicas < total_replicas)",
  ).catch((error: { type?: string }) => {
    if (error.type === 'ACCESS_DENIED') return null;
    throw error;
  });
  if (readonly === null) return ok(`${tables.length}, replicated (how the replicas are is not the writer's to read)`);
  if (readonly.length > 0)
    return warn(
      `replicas are away or read-only: ${readonly.map(({ table }) => table).join(', ')}`,
      'Look at Keeper and at the other nodes.',
    );
  return ok(`${tables.length}, replicated`);
}

async function checkWriter(client: ClickHouseClient): Promise<Finding> {
  const grants = (await rows<Record<string, string>>(client, 'SHOW GRANTS')).map((row) => Object.values(row)[0] ?? '');
  return judgeWriter(grants);
}

/** Privileges that change or take away what is there, as `SHOW GRANTS` prints them; adding columns and making views is what a migration does. */
const TOO_MUCH =
  /^(ALL|ALTER|ALTER TABLE|ALTER (DELETE|UPDATE|COLUMN|INDEX|TTL|SETTINGS|PROJECTION|PARTITION)|ALTER (DROP|CLEAR|RENAME|MOVE|FETCH|FREEZE|REWRITE|MATERIALIZE)\b.*|ALTER MODIFY (?!COMMENT).*|ALTER (USER|ROLE|QUOTA|ROW POLICY|SETTINGS PROFILE).*|DELETE|TRUNCATE|DROP|DROP (TABLE|DATABASE|USER|ROLE).*|UNDROP TABLE|ACCESS MANAGEMENT|CREATE (USER|ROLE|QUOTA|ROW POLICY).*|ROLE ADMIN)$/;

export function judgeWriter(grants: readonly string[]): Finding {
  const privileges = grants
    .flatMap((grant) => (/^GRANT (.*) ON /.exec(grant)?.[1] ?? '').split(','))
    .map((name) => name.replace(/\(.*/, '').trim());
  const bad = [...new Set(privileges.filter((name) => TOO_MUCH.test(name)))];
  if (bad.length > 0)
    return fail(
      `the writer may do more than write: ${bad.join(', ')}`,
      'Apply ops/clickhouse/roles.sql: who writes the ledger must not be able to change it.',
    );
  return ok('writer');
}

async function checkReader(client: ClickHouseClient, name: string): Promise<Finding> {
  const [setting] = await rows<{ readonly: string }>(client, "SELECT toString(getSetting('readonly')) AS readonly");
  if (setting?.readonly !== '1')
    return fail(`${name} is not held to readonly = 1`, 'Apply ops/clickhouse/roles.sql: a reader could override limits.');
  return ok(name);
}
