import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startSqlConsole, type SqlConsole } from '../testing/sql-console.js';

let console_: SqlConsole;

beforeAll(async () => {
  console_ = await startSqlConsole();
});
afterAll(() => console_.stop());
beforeEach(() => {
  console_.ports.recorder.drafts.length = 0;
});
afterEach(() => {
  console_.ports.recorder.fail = 'never';
});

const bearer = { authorization: 'Bearer auditor-1' };
const queried = (): Record<string, unknown>[] => console_.ports.recorder.controls('ledger.queried');

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

async function ask(sql: string, init: { path?: string; headers?: Record<string, string>; method?: string } = {}): Promise<Answer> {
  const { path = '/sql', headers = bearer, method = 'POST' } = init;
  const response = await fetch(console_.url + path, { method, headers, ...(method === 'POST' ? { body: sql } : {}) });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe('who may ask', () => {
  it('takes the token in every place a ClickHouse client may put it', async () => {
    const basic = (user: string): string => `Basic ${Buffer.from(`${user}:auditor-1`).toString('base64')}`;
    const ways = [
      bearer,
      { authorization: basic('') },
      { authorization: basic('anyone') },
      { 'x-clickhouse-key': 'auditor-1', 'x-clickhouse-user': 'x' },
    ];
    for (const headers of ways as Record<string, string>[])
      expect(await ask('SELECT 7', { headers })).toMatchObject({ status: 200, text: '7\n' });
  });

  it('serves plain host:port as well as /sql, by GET and POST', async () => {
    const query = `query=${encodeURIComponent('SELECT 7')}`;
    for (const path of ['/sql', '/', '/sql/']) expect((await ask('SELECT 7', { path })).text).toBe('7\n');
    for (const path of [`/?${query}`, `/sql?${query}`]) expect((await ask('', { path, method: 'GET' })).text).toBe('7\n');
    expect((await ask(' 8', { path: `/?${query}%2B` })).text).toBe('15\n');
    for (const path of ['/ping', '/sql/ping', '/'])
      expect(await ask('', { path, method: 'GET', headers: {} })).toMatchObject({ status: 200, text: 'Ok.\n' });
  });

  it('refuses like ClickHouse: no token, a wrong one, no group, a secret in the URL', async () => {
    const refused = async (status: number, code: string, init: Parameters<typeof ask>[1]): Promise<void> => {
      const answer = await ask('SELECT 1', init);
      expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([status, code]);
      expect(answer.text).toMatch(new RegExp(`^Code: ${code}\\. DB::Exception: affiant: .* \\([A-Z_]+\\)\\n$`));
    };
    await refused(401, '194', { headers: {} });
    await refused(401, '516', { headers: { authorization: 'Bearer wrong' } });
    await refused(403, '497', { headers: { authorization: 'Bearer owner-1' } });
    await refused(403, '497', { path: '/?password=auditor-1', headers: {} });
    expect(console_.ports.recorder.controls('identity.refused')).toHaveLength(1);
    expect(queried()).toMatchObject([{ status: 'refused', principal: 'owner-1', role: 'none', code: 'query_refused' }]);
  });

  it('asks as the reader the groups give', async () => {
    expect((await ask('SELECT currentUser()')).text).toBe('auditor\n');
    expect((await ask('SELECT currentUser()', { headers: { authorization: 'Bearer examiner-1' } })).text).toBe('examiner\n');
  });
});

describe('the trail of a query', () => {
  it('has the intent before and the exact result after', async () => {
    const sql = 'SELECT number FROM numbers(100000) FORMAT JSONEachRow';
    const { text, headers } = await ask(sql, { headers: { ...bearer, 'accept-encoding': 'identity' } });
    const sha256 = createHash('sha256').update(text).digest('hex');
    const [started, done, ...more] = queried();
    expect(more).toEqual([]);
    expect(started).toMatchObject({ status: 'started', outcome: 'success', detail: sql, principal: 'auditor-1', role: 'auditor' });
    expect(done).toMatchObject({
      status: 'done',
      rows: '100000',
      bytes: String(text.length),
      result_sha256: sha256,
      subject: started?.['subject'],
    });
    expect(headers.get('x-affiant-query-id')).toBe(started?.['subject']);
  });

  it('counts the rows of every format, compressed or not', async () => {
    for (const format of [
      'TSV',
      'CSVWithNames',
      'JSON',
      'JSONCompact',
      'Native',
      'RowBinary',
      'Parquet',
      'Arrow',
      'Pretty',
      'XML',
      'Null',
    ]) {
      const response = await fetch(`${console_.url}/?enable_http_compression=1&default_format=${format}`, {
        method: 'POST',
        headers: { ...bearer, 'accept-encoding': 'gzip' },
        body: 'SELECT number AS n, toString(number) AS s FROM numbers(777)',
      });
      await response.arrayBuffer();
      expect([format, queried().at(-1)?.['rows'], queried().at(-1)?.['status']]).toEqual([format, '777', 'done']);
    }
  });

  it('digests the bytes as they were sent, compression included', async () => {
    const raw = await new Promise<Buffer>((resolve, reject) => {
      const headers = { ...bearer, 'accept-encoding': 'gzip' };
      const call = httpRequest(`${console_.url}/sql?enable_http_compression=1`, { method: 'POST', headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
      });
      call.on('error', reject).end('SELECT number FROM numbers(10000)');
    });
    expect(gunzipSync(raw).toString().split('\n')).toHaveLength(10_001);
    expect(queried().at(-1)).toMatchObject({ bytes: String(raw.length), result_sha256: createHash('sha256').update(raw).digest('hex') });
  });

  it('carries no raw sensitive value, neither from the text nor from a parameter', async () => {
    await ask("SELECT '078-05-1120', {who:String}", { path: '/sql?param_who=219-09-9999' });
    expect(JSON.stringify(console_.ports.recorder.drafts)).not.toMatch(/078-05-1120|219-09-9999/);
    expect(queried()[0]).toMatchObject({ detail: "SELECT '[us_ssn]', {who:String}", param_who: '[us_ssn]' });
  });

  it('is written before anything runs: a full journal refuses the query', async () => {
    console_.ports.recorder.fail = 'before';
    expect(await ask('SELECT 1')).toMatchObject({ status: 503 });
  });

  it('is written before the last byte: when it cannot be, the client never gets a whole answer', async () => {
    const { recorder } = console_.ports;
    const record = recorder.record.bind(recorder);
    let calls = 0;
    const spy = vi.spyOn(recorder, 'record').mockImplementation((drafts) => {
      calls += 1;
      recorder.fail = calls === 1 ? 'never' : 'after';
      return record(drafts);
    });
    for (const sql of ['SELECT 1', 'SELECT number FROM numbers(300000)']) {
      calls = 0;
      await expect(ask(sql)).rejects.toThrow();
    }
    spy.mockRestore();
  });

  it('tells an error of the query, in the engine’s own words', async () => {
    const answer = await ask('SELECT throwIf(number = 3) FROM numbers(10)');
    expect(answer.status).toBe(500);
    expect(answer.text).toMatch(/^Code: 395\. DB::Exception: /);
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe('395');
    expect(queried().map(({ status, code }) => [status, code])).toEqual([
      ['started', undefined],
      ['failed', '395'],
    ]);
    const syntax = await ask('SELECT 1 +\n FROM WHERE');
    expect([syntax.status, syntax.headers.get('x-clickhouse-exception-code')]).toEqual([400, '62']);
    expect(syntax.text).toMatch(/failed at position 23 \(end of query\) \(line 2, col 12\)/);
  });

  it('tells that the client left', async () => {
    const leave = new AbortController();
    const call = fetch(`${console_.url}/sql`, {
      method: 'POST',
      headers: bearer,
      signal: leave.signal,
      body: 'SELECT count() FROM numbers(100000000000)',
    });
    await vi.waitFor(() => expect(queried()).toHaveLength(1));
    leave.abort();
    await expect(call).rejects.toThrow();
    await vi.waitFor(() => expect(queried().at(-1)).toMatchObject({ status: 'aborted', outcome: 'failure' }));
    const running = "SELECT query_id FROM system.processes WHERE user = 'auditor'";
    await vi.waitFor(async () => expect(await console_.store.query(running)).toEqual([]), { timeout: 10_000 });
  });
});

describe('limits', () => {
  it('refuses a query that is too long, and one too many at once', async () => {
    expect(await ask(`SELECT '${'x'.repeat(300_000)}'`)).toMatchObject({ status: 413 });
    const packed = gzipSync(Buffer.from(`SELECT '${'x'.repeat(300_000)}'`));
    const bomb = await fetch(`${console_.url}/sql`, { method: 'POST', headers: { ...bearer, 'content-encoding': 'gzip' }, body: packed });
    expect(bomb.status).toBe(413);
    const leave = new AbortController();
    const busy = Array.from({ length: 8 }, () =>
      fetch(`${console_.url}/sql`, {
        method: 'POST',
        headers: bearer,
        body: 'SELECT count() FROM numbers(100000000000)',
        signal: leave.signal,
      }).catch(() => null),
    );
    await vi.waitFor(() => expect(queried().filter(({ status }) => status === 'started')).toHaveLength(8));
    const ninth = await ask('SELECT 1');
    expect([ninth.status, ninth.headers.get('x-clickhouse-exception-code'), ninth.headers.get('retry-after')]).toEqual([429, '202', '1']);
    expect(await ask('SELECT 1', { headers: { authorization: 'Bearer examiner-1' } })).toMatchObject({ status: 200 });
    leave.abort();
    await Promise.all(busy);
    await vi.waitFor(async () => expect((await ask('SELECT 1')).status).toBe(200));
  });

  it('takes a packed query', async () => {
    const headers = { ...bearer, 'content-encoding': 'gzip' };
    const response = await fetch(`${console_.url}/sql`, { method: 'POST', headers, body: gzipSync('SELECT 7') });
    expect(await response.text()).toBe('7\n');
  });

  it('never shows where the engine is or what opens it', async () => {
    for (const sql of ['SELECT 1', 'SELECT * FROM nowhere', "SELECT getClientHTTPHeader('X-Engine-Key')", 'SHOW GRANTS']) {
      const { text, headers } = await ask(sql);
      const all = text + JSON.stringify([...headers]);
      for (const secret of [...Object.values(console_.engine.access.headers), console_.engine.access.readers.auditor.password]) {
        expect(all).not.toContain(secret);
      }
    }
  });
});
