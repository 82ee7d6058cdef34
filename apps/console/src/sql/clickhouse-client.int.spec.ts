import { buffer } from 'node:stream/consumers';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSqlConsole, type SqlConsole } from '../testing/sql-console.js';

let console_: SqlConsole;
let client: ClickHouseClient;

beforeAll(async () => {
  console_ = await startSqlConsole();
  client = createClient({ url: console_.url, username: 'anyone', password: 'auditor-1', log: { level: ClickHouseLogLevel.OFF } });
});
afterAll(async () => {
  await client.close();
  await console_.stop();
});

const last = (): Record<string, unknown> | undefined => console_.ports.recorder.controls('ledger.queried').at(-1);

/** The official Node client, pointed at the endpoint as at any server. */
describe('@clickhouse/client', () => {
  it('pings, also by a query', async () => {
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
    const stranger = createClient({ url: console_.url, username: 'default', password: 'wrong' });
    expect(await stranger.ping({ select: true })).toMatchObject({ success: false, error: { code: '516' } });
    await stranger.close();
  });

  it('reads rows, and keeps its own query id', async () => {
    const result = await client.query({ query: 'SELECT number AS n FROM numbers(3)', format: 'JSONEachRow', query_id: 'mine-1' });
    expect(await result.json()).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    expect(result.query_id).toBe('mine-1');
    expect(last()).toMatchObject({ client_query_id: 'mine-1', rows: '3', status: 'done' });
  });

  it('streams 100,000 rows, compressed', async () => {
    const packed = createClient({ url: console_.url, password: 'auditor-1', compression: { response: true } });
    const result = await packed.query({ query: 'SELECT number FROM numbers(100000)', format: 'JSONEachRow' });
    let count = 0;
    for await (const rows of result.stream()) count += rows.length;
    expect(count).toBe(100_000);
    await packed.close();
  });

  it.each(['CSV', 'TabSeparatedWithNamesAndTypes', 'JSON', 'JSONCompactEachRow'] as const)('reads %s', async (format) => {
    const result = await client.query({ query: 'SELECT toUInt8(65) AS a', format });
    expect(await result.text()).toContain('65');
  });

  it.each([
    ['RowBinary', /^07000000$/],
    ['Parquet', /^50415231.*50415231$/],
    ['Native', /^0101/],
  ])('reads %s bytes as they are', async (format, hex) => {
    const { stream } = await client.exec({ query: `SELECT toUInt32(7) AS a FORMAT ${format}` });
    expect((await buffer(stream)).toString('hex')).toMatch(hex);
  });

  it('binds parameters', async () => {
    const query = 'SELECT {a:UInt8} + 1 AS x, {b:String} AS y, {c:Array(String)} AS z';
    const result = await client.query({ query, query_params: { a: 1, b: "o'hara", c: ['p', 'q'] }, format: 'JSONEachRow' });
    expect(await result.json()).toEqual([{ x: 2, y: "o'hara", z: ['p', 'q'] }]);
  });

  it('passes progress headers, settings of the answer, and a session id that means nothing', async () => {
    const result = await client.query({
      query: 'SELECT sum(number) AS n FROM numbers(300000000)',
      format: 'JSONEachRow',
      session_id: 'session-1',
      clickhouse_settings: {
        send_progress_in_http_headers: 1,
        http_headers_progress_interval_ms: '50',
        output_format_json_quote_64bit_integers: 1,
      },
    });
    expect(await result.json()).toEqual([{ n: '44999999850000000' }]);
    expect(result.response_headers['x-clickhouse-progress']).toBeDefined();
  });

  it('runs eight queries at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        client.query({ query: `SELECT ${n} AS n`, format: 'JSONEachRow' }).then((result) => result.json()),
      ),
    );
    expect(results).toEqual(Array.from({ length: 8 }, (_, n) => [{ n }]));
  });

  it('tells errors by their code', async () => {
    await expect(client.query({ query: 'SELECT nonsense' })).rejects.toMatchObject({ code: '47', type: 'UNKNOWN_IDENTIFIER' });
    await expect(client.query({ query: "SELECT file('/etc/passwd')" })).rejects.toMatchObject({ code: '497', type: 'ACCESS_DENIED' });
    await expect(client.command({ query: 'DROP VIEW audit.exchanges' })).rejects.toMatchObject({ code: '497' });
    await expect(client.insert({ table: 'ledger.events', values: [{ seq: 1 }], format: 'JSONEachRow' })).rejects.toThrow();
  });
});
