// A ClickHouse server for tests: the engine of npm chdb in a process of its own, behind its HTTP listener, with the users of ops/clickhouse/roles.sql
// as its users file. What this build cannot do that a server can: ReplicatedMergeTree, Keeper, users by SQL (docs/adr/0056-clickhouse-server.md).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './engine-process.mjs';

const CHILD = fileURLToPath(new URL('../../../libs/ledger-store/engine/child.mjs', import.meta.url));
const READY_MS = 60_000;
const READERS = ['auditor', 'examiner', 'evidence'];

/** Passwords are fixed: a service keeps its configuration over a restart of the server. */
const USERS = Object.fromEntries(
  ['writer', 'migrator', 'retention', 'eraser', ...READERS].map((role) => [
    role,
    { user: `affiant_${role}`, password: `test-only-${role}` },
  ]),
);

const RIGHTS = {
  writer: ['GRANT SELECT, INSERT ON ledger.*', 'GRANT SELECT ON audit.*', 'GRANT SELECT ON system.*'],
  migrator: [
    'GRANT SELECT, INSERT, CREATE, ALTER ADD COLUMN, ALTER ADD INDEX, ALTER ADD PROJECTION, ALTER VIEW, DROP VIEW, SHOW ON ledger.*',
    'GRANT SELECT, CREATE, ALTER VIEW, ALTER COMMENT COLUMN, ALTER MODIFY COMMENT, DROP VIEW, SHOW ON audit.*',
    'GRANT SELECT ON system.*',
    'GRANT TABLE ENGINE ON MergeTree',
  ],
};
RIGHTS.retention = [
  'GRANT SELECT, SHOW ON ledger.*',
  'GRANT INSERT, ALTER DELETE ON ledger.events',
  'GRANT ALTER DELETE ON ledger.content',
  'GRANT INSERT, CREATE TABLE, DROP TABLE ON ledger.kept',
  'GRANT SELECT ON system.parts',
  'GRANT TABLE ENGINE ON MergeTree',
];
RIGHTS.eraser = ['GRANT SELECT ON ledger.*', 'GRANT ALTER DELETE ON ledger.content'];
const READ = ['GRANT SELECT ON audit.*', 'GRANT SELECT ON ledger.*', 'GRANT SHOW ON audit.*'];

/** @returns {Promise<import('./clickhouse.d.mts').TestClickHouse>} */
export async function startClickHouse() {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-clickhouse-'));
  mkdirSync(join(directory, 'data'));
  writeFileSync(join(directory, 'users.xml'), usersXml());
  writeFileSync(join(directory, 'config.xml'), configXml(directory));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let running = await launch(directory, port);
  return {
    url,
    port,
    users: USERS,
    get pid() {
      return running.child.pid;
    },
    signal: (name) => process.kill(running.child.pid, name),
    kill: () => running.end('SIGKILL'),
    start: async () => {
      running = await launch(directory, port);
    },
    stop: async () => {
      // Acknowledged inserts are fsynced; a hard end is all the same to them.
      await running.end('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Starts it and waits until it answers; while a killed predecessor still holds the data it is tried again. */
async function launch(directory, port) {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const running = begin(directory, port);
    for (;;) {
      if (running.gone() !== null) break;
      if (await answers(port)) return running;
      if (Date.now() > deadline) {
        await running.end('SIGKILL');
        throw new Error(`ClickHouse was not ready in time: ${said(directory)}`);
      }
      await delay(20);
    }
    if (!/Cannot lock file|Address already in use/.test(said(directory)) || Date.now() > deadline) {
      throw new Error(`ClickHouse ended before it was ready: ${said(directory)}`);
    }
    await delay(200);
  }
}

const said = (directory) => readFileSync(join(directory, 'stderr.log'), 'utf8').slice(-4_000);

function begin(directory, port) {
  const argv = ['clickhouse', '--path', join(directory, 'data'), '--config-file', join(directory, 'config.xml'), '--log-level', 'warning'];
  argv.push('--listen_host', '127.0.0.1', '--http_port', String(port), '--multiquery', '--query');
  argv.push("SYSTEM START LISTEN HTTP; SELECT count() FROM file('stdin', 'LineAsString')");
  const stderr = openSync(join(directory, 'stderr.log'), 'w');
  // Both pipes end with this process, however it dies, and the engine with them.
  const child = spawn(process.execPath, [CHILD, JSON.stringify(argv)], {
    env: { TZ: 'UTC' },
    stdio: ['pipe', 'ignore', stderr, 'pipe'],
  });
  closeSync(stderr);
  for (const pipe of [child.stdin, child.stdio[3]]) pipe.on('error', () => undefined);
  child.stdin.write('hold\n');
  for (const pipe of [child.stdin, child.stdio[3]]) pipe.unref?.();
  child.unref();
  let gone = null;
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve((gone = signal ?? code ?? 0)));
    child.once('error', (error) => resolve((gone = String(error))));
  });
  const end = async (signal) => {
    if (gone !== null) return;
    child.ref();
    child.kill(signal);
    await exited;
  };
  return { child, gone: () => gone, end };
}

function answers(port) {
  return new Promise((resolve) => {
    const request = get({ port, host: '127.0.0.1', path: '/ping', agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode === 200));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}

function configXml(directory) {
  return `<clickhouse>
  <logger><level>warning</level><log>${join(directory, 'engine.log')}</log><errorlog remove="1"/><size>10M</size><count>2</count></logger>
  <users_config>${join(directory, 'users.xml')}</users_config>
  <timezone>UTC</timezone>
  <access_control_improvements>
    <settings_constraints_replace_previous>true</settings_constraints_replace_previous>
    <users_without_row_policies_can_read_rows>false</users_without_row_policies_can_read_rows>
  </access_control_improvements>
  <max_server_memory_usage>1500000000</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>1</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <asynchronous_metrics_update_period_s>60</asynchronous_metrics_update_period_s>
  <shutdown_wait_unfinished>1</shutdown_wait_unfinished>
  <merge_tree>
    <old_parts_lifetime>60</old_parts_lifetime>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`;
}

function usersXml() {
  const user = (role, profile, grants) => {
    const digest = createHash('sha256').update(USERS[role].password).digest('hex');
    return `<affiant_${role}><password_sha256_hex>${digest}</password_sha256_hex><networks><ip>127.0.0.1</ip></networks><profile>${profile}</profile>
      <quota>unlimited</quota><grants>${grants.map((one) => `<query>${one}</query>`).join('')}</grants></affiant_${role}>`;
  };
  const reader = (role) => user(role, role === 'evidence' ? 'evidence' : 'reader', READ);
  const form = ['send_progress_in_http_headers', 'http_headers_progress_interval_ms', 'enable_http_compression', 'date_time_output_format'];
  form.push(
    'output_format_json_quote_64bit_integers',

    'session_timezone',
    'extremes',
    'limit',
    'offset',
    'max_block_size',
  );
  const bounds = { max_execution_time: 60, max_result_rows: 5_000_000, max_result_bytes: 1_000_000_000, max_threads: 4 };
  const tighter = Object.entries(bounds).map(([name, max]) => `<${name}><min>1</min><max>${max}</max><changeable_in_readonly/></${name}>`);
  const constraints = [...tighter, ...form.map((name) => `<${name}><changeable_in_readonly/></${name}>`)].join('');
  return `<clickhouse>
  <profiles><default></default>
    <writer><async_insert>0</async_insert><max_memory_usage>800000000</max_memory_usage></writer>
    <reader><readonly>1</readonly>${Object.entries(bounds)
      .map(([name, value]) => `<${name}>${value}</${name}>`)
      .join('')}<max_memory_usage>800000000</max_memory_usage>
      <result_overflow_mode>throw</result_overflow_mode><cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
      <constraints>${constraints}</constraints></reader>
    <evidence><profile>reader</profile><use_skip_indexes>0</use_skip_indexes></evidence></profiles>
  <quotas><unlimited/><session><interval><duration>31536000</duration><queries>2</queries></interval></session></quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>session</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query><query>GRANT READ ON FILE</query><query>GRANT CREATE TEMPORARY TABLE ON *.*</query></grants></default>
    ${user('writer', 'writer', RIGHTS.writer)}
    ${user('migrator', 'writer', RIGHTS.migrator)}
    ${user('retention', 'writer', RIGHTS.retention)}
    ${user('eraser', 'writer', RIGHTS.eraser)}
    ${READERS.map(reader).join('\n    ')}
  </users>
</clickhouse>
`;
}
