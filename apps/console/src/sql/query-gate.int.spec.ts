import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSqlConsole, type SqlConsole } from '../testing/sql-console.js';
import { isForbiddenFunction } from './forbidden-functions.js';

let console_: SqlConsole;

beforeAll(async () => {
  console_ = await startSqlConsole();
});
afterAll(() => console_.stop());

const ask = async (sql: string, params = ''): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${console_.url}/sql?${params}`, {
    method: 'POST',
    headers: { authorization: 'Bearer auditor-1' },
    body: sql,
  });
  return { status: response.status, text: await response.text() };
};

/** A file every machine has, and a piece of its content that no error message would repeat. */
const FILE = '/etc/passwd';
const CONTENT = readFileSync(FILE, 'utf8').slice(0, 20);

const READS_A_FILE = [
  `SELECT file('${FILE}')`,
  `SELECT FILE('${FILE}')`,
  `SELECT "file"('${FILE}')`,
  `SELECT \`file\` ('${FILE}')`,
  `SELECT \`fil\\x65\`('${FILE}')`,
  `SELECT file/* */('${FILE}')`,
  `SELECT file -- x\n('${FILE}')`,
  `SELECT '-- ', file('${FILE}') -- '`,
  `SELECT '/*', file('${FILE}'), '*/'`,
  `SELECT 'it''s', file('${FILE}')`,
  `SELECT 'it\\'s', file('${FILE}'), '\\''`,
  `SELECT $a$ ' $a$, file('${FILE}')`,
  `SELECT \u201cfile\u201d('${FILE}')`,
  `WITH file('${FILE}') AS x SELECT x`,
  `WITH x AS (SELECT file('${FILE}') AS y) SELECT y FROM x`,
  `SELECT 1 WHERE file('${FILE}') != ''`,
  `SELECT arrayMap(x -> file(x), ['${FILE}'])`,
  `SELECT * APPLY(file) FROM (SELECT '${FILE}' AS a)`,
  `SELECT * APPLY file FROM (SELECT '${FILE}' AS a)`,
  `SELECT * APPLY(x -> file(x)) FROM (SELECT '${FILE}' AS a)`,
  `SELECT COLUMNS('a') APPLY(file) FROM (SELECT '${FILE}' AS a)`,
  `SELECT * REPLACE (file('${FILE}') AS a) FROM (SELECT 1 AS a)`,
  `SELECT number FROM numbers(1) ORDER BY file('${FILE}')`,
  `SELECT number FROM numbers(3) ORDER BY number WITH FILL FROM length(file('${FILE}'))`,
  `SELECT a, b FROM (SELECT 1 AS a, 'x' AS b) ORDER BY a WITH FILL FROM 1 TO 5 INTERPOLATE (b AS file('${FILE}'))`,
  `SELECT sum(number) OVER (ORDER BY number ROWS BETWEEN length(file('${FILE}')) PRECEDING AND CURRENT ROW) FROM numbers(2)`,
  `SELECT sum(number) OVER w FROM numbers(2) WINDOW w AS (PARTITION BY file('${FILE}'))`,
  `SELECT number FROM numbers(2) LIMIT length(file('${FILE}'))`,
  `SELECT number FROM numbers(2) QUALIFY file('${FILE}') != ''`,
  `SELECT * FROM view(SELECT file('${FILE}'))`,
  `SELECT * FROM (EXPLAIN SYNTAX SELECT file('${FILE}'))`,
  `EXPLAIN SELECT file('${FILE}')`,
  `EXPLAIN QUERY TREE SELECT file('${FILE}')`,
  `DESCRIBE (SELECT file('${FILE}'))`,
  `DESCRIBE TABLE file('${FILE}', 'LineAsString')`,
  `SELECT * FROM file('${FILE}', 'LineAsString')`,
  `SELECT 1 IN file('${FILE}', 'LineAsString')`,
  `SELECT * FROM numbers(1) AS a JOIN file('${FILE}', 'LineAsString') AS b ON 1`,
  `SELECT if(0, 1, file('${FILE}'))`,
  `SELECT 1 UNION ALL SELECT length(file('${FILE}'))`,
  `SELECT 1 SETTINGS max_threads = 1 UNION ALL SELECT length(file('${FILE}'))`,
  `SELECT eval('file')`,
  `SELECT * FROM eval(SELECT 'SELECT file(1)')`,
  `SELECT * FROM filesystem('/etc')`,
  `SELECT * FROM executable('cat ${FILE}', TSV, 'a String')`,
  `SELECT * FROM sqlite('${FILE}', 'x')`,
];

const REACHES_OUT = [
  "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
  "SELECT * FROM remote('127.0.0.1:1', system.one)",
  "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')",
  "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
  "SELECT hasColumnInTable('127.0.0.1', 'default', '', 'system', 'one', 'dummy')",
  "SELECT dictGet('d', 'a', 1)",
  "SELECT aiGenerate('x')",
  "SELECT getClientHTTPHeader('X-Engine-Key')",
  'SELECT showCertificate()',
  'SELECT sleep(3)',
  'SELECT sleepEachRow(1) FROM numbers(3)',
  "SELECT * FROM merge('system', '.*')",
  "SELECT catboostEvaluate('/tmp/x', 1)",
];

const WRITES = [
  'CREATE TABLE audit.x (a Int8) ENGINE = Memory',
  'CREATE TEMPORARY TABLE x (a Int8)',
  'DROP VIEW audit.exchanges',
  'INSERT INTO ledger.events (seq) VALUES (1)',
  "INSERT INTO FUNCTION file('/tmp/affiant-x', 'CSV', 'a Int8') VALUES (1)",
  'ALTER TABLE ledger.events DELETE WHERE 1',
  'DELETE FROM ledger.events WHERE 1',
  'TRUNCATE TABLE ledger.events',
  'OPTIMIZE TABLE ledger.events FINAL',
  'SYSTEM SHUTDOWN',
  'KILL QUERY WHERE 1',
  'SET max_threads = 1',
  'USE ledger',
  'GRANT SELECT ON *.* TO auditor',
  'EXECUTE AS affiant_writer SELECT 1',
  "SELECT 1 INTO OUTFILE '/tmp/affiant-x'",
  'SELECT 1; SELECT 2',
  'SELECT 1; DROP VIEW audit.exchanges',
  'BEGIN TRANSACTION',
  'SHOW PROCESSLIST',
];

const GETS_WIDER = [
  'SELECT 1 SETTINGS readonly = 0',
  'SELECT 1 SETTINGS allow_get_client_http_header = 1',
  'SELECT 1 SETTINGS max_execution_time = 100000',
  'SELECT 1 SETTINGS max_execution_time = 0',
  'SELECT 1 SETTINGS max_result_rows = 0',
  'SELECT * FROM system.users',
  'SELECT * FROM system.processes',
  'SELECT * FROM system.query_log',
  'SELECT * FROM system.settings_profile_elements',
];

describe('the gate', () => {
  it.each(READS_A_FILE)('reads no file: %s', async (sql) => {
    const { status, text } = await ask(sql);
    expect(text).not.toContain(CONTENT);
    expect([status >= 400, text.slice(0, 6)]).toEqual([true, 'Code: ']);
  });

  it.each([...REACHES_OUT, ...WRITES, ...GETS_WIDER])('refuses: %s', async (sql) => {
    const { status, text } = await ask(sql);
    expect([status >= 400, text.slice(0, 6)]).toEqual([true, 'Code: ']);
  });

  it('refuses the same through the URL and parameters', async () => {
    const refused = ['allow_get_client_http_header=1', 'role=admin', 'user_files_path=/', 'format_schema=x', 'output_format_schema=x'];
    for (const params of refused) expect([params, (await ask('SELECT 1', params)).status]).toEqual([params, 403]);
    expect((await ask('CREATE TEMPORARY TABLE x (a Int8)', 'readonly=0')).status).toBe(403);
    expect((await ask('SELECT 1', 'max_execution_time=100000')).status).toBeGreaterThanOrEqual(400);
    expect((await ask('SELECT 1', 'database=information_schema')).status).toBe(403);
    expect((await ask('SELECT * FROM {t:Identifier}', 'param_t=processes&database=system')).status).toBeGreaterThanOrEqual(400);
    expect((await ask("SELECT * FROM {t:Identifier}('/etc/passwd')", 'param_t=file')).status).toBeGreaterThanOrEqual(400);
    const form = new FormData();
    form.set('query', 'SELECT 1');
    const multipart = await fetch(`${console_.url}/sql`, { method: 'POST', headers: { authorization: 'Bearer auditor-1' }, body: form });
    expect(multipart.status).toBe(403);
  });

  it.each([
    'SELECT 1',
    '  /* why */ SELECT 1 -- end',
    'SELECT 1;',
    'SELECT \'file(x)\', "a" FROM (SELECT 1 AS a)',
    'SELECT count() FROM exchanges',
    'SELECT count() FROM audit.exchanges_at(tree_size = 5)',
    'WITH 5 AS n SELECT count() FROM audit.decisions_at(tree_size = 5) WHERE seq < n',
    'SELECT e.exchange_id FROM audit.exchanges AS e LEFT JOIN audit.decisions AS d ON d.exchange_id = e.exchange_id',
    'SELECT toStartOfHour(occurred_at) AS h, count() FROM audit.events GROUP BY h ORDER BY h WITH FILL STEP 3600',
    "SELECT format('{} {}', 'a', 'b'), formatDateTime(now(), '%F'), hex(SHA256('x')), JSONExtractString('{\"a\":1}', 'a')",
    'SELECT * FROM numbers(3) UNION ALL SELECT 7',
    'SELECT 1 FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 1',
    'SELECT 1 SETTINGS max_execution_time = 5',
    'SHOW TABLES',
    'SHOW CREATE VIEW audit.exchanges',
    'DESCRIBE audit.exchanges',
    'EXISTS VIEW audit.exchanges',
    'EXPLAIN PLAN SELECT 1',
    'SELECT name FROM system.tables',
    '(SELECT 1)',
  ])('lets through: %s', async (sql) => {
    const { status, text } = await ask(sql);
    expect([status, text.startsWith('Code:') ? text : '']).toEqual([200, '']);
  });

  it('knows every function of this engine that could look outside', async () => {
    const names = await console_.store.query<{ name: string }>('SELECT name FROM system.functions WHERE NOT is_aggregate');
    const suspicious =
      /file|http|url\(|dict|remote|sleep|secret|certificate|server|filesystem|address|ai[A-Z]|AI[A-Z]|catboost|joinGet|hasColumnInTable|Macro|zookeeper|region|model/;
    const harmless =
      /^(fromUTCTimestamp|from_utc_timestamp|defaultProfiles|currentProfiles|enabledProfiles|serverTimeZone|serverTimezone)$/i;
    const open = names
      .map(({ name }) => name)
      .filter((name) => suspicious.test(name) && !harmless.test(name) && !isForbiddenFunction(name));
    expect(open).toEqual([]);
    expect((await ask('SELECT fqdn()')).text).not.toContain(`\n${hostname()}`);
  });
});
