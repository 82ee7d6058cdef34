import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sqlAddress } from './attach.js';
import type { EngineClient } from '../ledger/engine-client.js';
import { assertTokens, assertTree, passGate } from './query-gate.js';
import { assertNoSecretInUrl, parametersOf, readParams, readQuery } from './sql-request.js';
import { tokenise } from './tokenise.js';

function message(method: string, url: string, body: string | Buffer = '', headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(Readable.from([Buffer.from(body)]), { method, url, headers }) as unknown as IncomingMessage;
}

const read = async (...args: Parameters<typeof message>): Promise<{ query: string; params: URLSearchParams }> => {
  const request = message(...args);
  return { query: await readQuery(request, 1000), params: readParams(request) };
};
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

describe('a request of ClickHouse’s HTTP interface', () => {
  it('joins the query of the URL and the body', async () => {
    expect(await read('POST', '/?query=SELECT%201', 'FORMAT CSV')).toMatchObject({ query: 'SELECT 1\nFORMAT CSV' });
    expect(await read('GET', '/?query=SELECT+1&query_id=q1', 'ignored')).toMatchObject({ query: 'SELECT 1' });
  });

  it('passes what shapes the answer, leaves out what clients send unasked, and maps the database', async () => {
    const { params } = await read('POST', '/?session_id=s&param_a=1&compress=1&database=default&wait_end_of_query=0&user=x', 'SELECT 1');
    expect([...params]).toEqual([
      ['param_a', '1'],
      ['compress', '1'],
      ['database', 'audit'],
    ]);
    const headers = { 'x-clickhouse-database': 'ledger', 'x-clickhouse-format': 'CSV' };
    expect((await read('POST', '/', 'SELECT 1', headers)).params.toString()).toBe('default_format=CSV&database=ledger');
  });

  it.each([
    ['nothing', '/', '', 'usage_invalid'],
    ['an unknown setting', '/?max_memory_usage=1', 'SELECT 1', 'query_refused'],
    ['another database', '/?database=x', 'SELECT 1', 'query_refused'],
    ['a long query', '/', 'x'.repeat(1001), 'body_too_large'],
    ['a long query in the URL', `/?query=${'x'.repeat(1001)}`, '', 'body_too_large'],
    ['what is not UTF-8', '/', Buffer.from([0xff, 0xfe]), 'usage_invalid'],
    ['too many parameters', `/?${'param_a=1&'.repeat(300)}`, 'SELECT 1', 'usage_invalid'],
  ])('refuses %s', async (_name, url, body, code) => {
    expect(await codeOf(read('POST', url, body))).toBe(code);
  });

  it('refuses external tables, unknown encodings, broken ones, and a small body that becomes large', async () => {
    expect(await codeOf(read('POST', '/', 'x', { 'content-type': 'multipart/form-data; boundary=x' }))).toBe('query_refused');
    expect(await codeOf(read('POST', '/', 'x', { 'content-encoding': 'zstd' }))).toBe('usage_invalid');
    expect(await codeOf(read('POST', '/', 'x', { 'content-encoding': 'gzip' }))).toBe('usage_invalid');
    expect(await codeOf(read('POST', '/', gzipSync('x'.repeat(2000)), { 'content-encoding': 'gzip' }))).toBe('body_too_large');
  });

  it('refuses secrets in the URL', () => {
    for (const url of ['/?password=x', '/?query=SELECT+1&access_token=x'])
      expect(() => assertNoSecretInUrl(parametersOf({ url }))).toThrow();
  });

  it.each([
    ['POST', '/', '', 'query'],
    ['POST', '/?database=audit', '', 'query'],
    ['GET', '/?query=SELECT+1', 'text/html', 'query'],
    ['GET', '/sql?query=SELECT+1', '', 'query'],
    ['GET', '/', 'text/html,*/*', null],
    ['GET', '/', '*/*', 'ping'],
    ['GET', '/ping', '', 'ping'],
    ['GET', '/sql', '', 'ping'],
    ['PUT', '/sql', '', 'query'],
    ['GET', '/api/v1/status?query=1', '', null],
    ['POST', '/api/v1/packets', '', null],
    ['GET', '/sqlx?query=1', '', null],
  ])('%s %s (%s) is %s', (method, url, accept, address) => {
    expect(sqlAddress({ method, url, headers: { accept } })).toBe(address);
  });
});

describe('tokens', () => {
  const words = (sql: string): string[] =>
    tokenise(sql)
      .filter(({ kind }) => kind === 'word')
      .map(({ text }) => text);

  it('tells words from what is quoted or commented', () => {
    expect(words('SELECT \'file(\', a -- b\n, /* c */ "d e", `f\\`g` # h\n FROM $x$ i $x$ j')).toEqual([
      'SELECT',
      'a',
      'd e',
      'f`g',
      'FROM',
      'j',
    ]);
    expect(words("'it''s' b 'it\\'s' c")).toEqual(['b', 'c']);
  });

  it('ends, linearly, for any text, and never loses a call outside quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        tokenise(text);
        expect(() => assertTokens(tokenise(`${JSON.stringify(text).replaceAll("'", ' ')} , file('x')`))).toThrow(/outside/);
      }),
    );
    const started = performance.now();
    tokenise(`${'$a'.repeat(100_000)}${'/*'.repeat(50_000)}`);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('the tree', () => {
  const tree = (...lines: string[]): string => lines.join('\n');

  it('must be one of a reading statement', () => {
    for (const root of ['', 'InsertQuery   (children 2)', 'Set', 'Explain EXPLAIN TABLE OVERRIDE (children 2)', 'SelectWithUnionQueryX']) {
      expect(() => assertTree(root)).toThrow(/only queries that read/);
    }
  });

  it('tells a table function from a function of the same name', () => {
    const root = 'SelectWithUnionQuery (children 1)';
    expect(() => assertTree(tree(root, ' TableExpression (children 1)', '  Function numbers (alias n) (children 1)'))).not.toThrow();
    expect(() => assertTree(tree(root, ' TableExpression (children 1)', '  Function format (children 1)'))).toThrow(
      /table function format/,
    );
    expect(() => assertTree(tree(root, ' Function format (children 1)'))).not.toThrow();
    expect(() => assertTree(tree(root, ' TableExpression (children 1)', '  Function view (children 1)', '   Function file'))).toThrow(
      /outside/,
    );
    expect(() =>
      assertTree(tree(root, ' TableExpression (children 1)', '  TableIdentifier a', ' Function file (alias z) (children 1)')),
    ).toThrow(/outside/);
  });

  it('is not asked about functions elsewhere as if they stood for a table', () => {
    const lines = [
      'SelectWithUnionQuery (children 2)',
      ' TableExpression (children 1)',
      '  TableIdentifier a',
      ' ExpressionList',
      '  Function count',
    ];
    expect(() => assertTree(tree(...lines))).not.toThrow();
  });

  it('is not alone: a call the tree does not show is refused by its tokens', async () => {
    const blind = { text: async () => ({ status: 200, text: 'SelectWithUnionQuery (children 1)\n' }) } as unknown as EngineClient;
    await expect(passGate(blind, 'auditor', "SELECT file('x')", new URLSearchParams())).rejects.toThrow(/outside/);
    await expect(passGate(blind, 'auditor', 'SELECT 1', new URLSearchParams())).resolves.toEqual({ passed: true });
  });
});
