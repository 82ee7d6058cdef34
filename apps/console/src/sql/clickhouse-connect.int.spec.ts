import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLICKHOUSE_PACKAGES, pythonWith } from '../../../../test/support/engines/python.mjs';
import { missing } from '../../../../test/support/tools.mjs';
import { startSqlConsole, type SqlConsole } from '../testing/sql-console.js';

const python = pythonWith(CLICKHOUSE_PACKAGES);
if (python === null) missing('clickhouse-connect', 'needs python3 with venv and a package registry');

const SCRIPT = `
import json, sys, clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError
port = int(sys.argv[1])
out = {}
for name, args in {"plain": {}, "lz4": {"compress": "lz4"}, "zstd": {"compress": "zstd"}, "gzip": {"compress": "gzip"}, "off": {"compress": False}}.items():
    client = clickhouse_connect.get_client(host="127.0.0.1", port=port, username="anyone", password=sys.argv[2], **args)
    rows = client.query("SELECT number, toString(number) AS s, toDateTime64('2026-01-01 00:00:00', 6, 'UTC') AS t, [1, 2] AS a FROM numbers(1000)").result_rows
    out[name] = [len(rows), rows[999][0], rows[999][1], rows[0][2].isoformat(), rows[0][3]]
out["version"] = client.server_version
out["command"] = client.command("SELECT count() FROM audit.exchanges")
out["parameters"] = client.query("SELECT {a:UInt8} + 1, {b:String}", parameters={"a": 1, "b": "it's"}).result_rows
out["client_side"] = client.query("SELECT %(a)s", parameters={"a": "x"}).result_rows
out["raw"] = client.raw_query("SELECT 1 FORMAT CSV").decode()
with client.query_row_block_stream("SELECT number FROM numbers(200000)") as stream:
    out["stream"] = sum(len(block) for block in stream)
out["settings"] = client.query("SELECT 1", settings={"max_execution_time": 5}).result_rows
out["tables"] = client.command("EXISTS VIEW audit.exchanges")
token = clickhouse_connect.get_client(host="127.0.0.1", port=port, access_token=sys.argv[2])
out["bearer"] = token.command("SELECT 7")
errors = {}
for sql in ["SELECT file('/etc/passwd')", "CREATE TABLE x (a Int8) ENGINE = Memory", "SELECT nonsense", "SELECT 1; SELECT 2"]:
    try:
        client.query(sql)
        errors[sql] = "accepted"
    except DatabaseError as error:
        errors[sql] = str(error)
out["errors"] = errors
try:
    clickhouse_connect.get_client(host="127.0.0.1", port=port, username="default", password="wrong")
    out["wrong"] = "accepted"
except DatabaseError as error:
    out["wrong"] = str(error)
print(json.dumps(out))
`;

let console_: SqlConsole;

beforeAll(async () => void (console_ = await startSqlConsole()));
afterAll(() => console_?.stop());

describe.skipIf(python === null)('clickhouse-connect (PyPI)', () => {
  it('works with a token as password, as against any server', async () => {
    const { port } = new URL(console_.url);
    const { stdout } = await promisify(execFile)(python!, ['-c', SCRIPT, port, 'auditor-1']);
    const out = JSON.parse(stdout) as Record<string, unknown> & { errors: Record<string, string> };
    const row = [1000, 999, '999', '2026-01-01T00:00:00', [1, 2]];
    for (const way of ['plain', 'lz4', 'zstd', 'gzip', 'off']) expect([way, out[way]]).toEqual([way, row]);
    expect(out).toMatchObject({
      version: '26.7.2.1',
      command: 0,
      parameters: [[2, "it's"]],
      client_side: [['x']],
      raw: '1\n',
      stream: 200_000,
      settings: [[1]],
      tables: 1,
      bearer: 7,
    });
    expect(Object.values(out.errors).map((error) => /code:? (\d+)/i.exec(error)?.[1])).toEqual(['497', '497', '47', '62']);
    expect(out['wrong']).toMatch(/516/);
    const statuses = new Set(console_.ports.recorder.controls('ledger.queried').map(({ status }) => status));
    expect(statuses).toEqual(new Set(['started', 'done', 'failed', 'refused']));
  });
});
