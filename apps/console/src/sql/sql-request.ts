import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { promisify } from 'node:util';
import { AffiantError } from '#errors';

/** A query as it will be run: one text and what may be set beside it. */
export interface SqlRequest {
  readonly query: string;
  /** For the engine: allow-listed settings, parameters, database, format. */
  readonly params: URLSearchParams;
  /** What the client calls the query; only echoed. */
  readonly clientQueryId: string | null;
}

/** URL parameters that mean something to this endpoint, and are never passed on as they are. */
const OURS = new Set(['query', 'query_id', 'database', 'wait_end_of_query', 'buffer_size', 'user']);
/** Sent by common clients without being asked; each is meaningless for a reader without sessions, so it is left out. */
const LEFT_OUT = new Set([
  'session_id',
  'session_timeout',
  'session_check',
  'quota_key',
  'close_session',
  'stacktrace',
  'readonly',
  'async_insert',
  'wait_for_async_insert',
]);
/** Parameters of ClickHouse's HTTP protocol and harmless settings of the answer. The engine's profile decides on each setting again. */
const PASSED = [
  /^param_[A-Za-z_]\w*$/,
  /^default_format$/,
  /^client_protocol_version$/,
  /^compress$/,
  /^enable_http_compression$/,
  /^http_zlib_compression_level$/,
  /^network_(compression_method|zstd_compression_level)$/,
  /^http_write_exception_in_output_format$/,
  /^send_progress_in_http_headers$/,
  /^http_headers_progress_interval_ms$/,
  /^output_format_(?!schema)\w+$/,
  /^date_time_(input|output)_format$/,
  /^format_csv_delimiter$/,
  /^session_timezone$/,
  /^(max_execution_time|max_result_rows|max_result_bytes|max_block_size|max_threads|result_overflow_mode|extremes|limit|offset)$/,
];
const DATABASES = new Map([
  ['', 'audit'],
  ['default', 'audit'],
  ['audit', 'audit'],
  ['ledger', 'ledger'],
  ['system', 'system'],
]);
/** Headers by which ClickHouse's own protocol passes what may also stand in the URL. */
const HEADER_PARAMS = { 'x-clickhouse-database': 'database', 'x-clickhouse-format': 'default_format' } as const;
const MAX_PARAMS = 256;

/**
 * The query of a request of ClickHouse's HTTP interface. GET carries it in the URL, POST in the URL, the body, or both (joined in this order).
 * @throws AffiantError usage_invalid | query_refused | body_too_large
 */
export async function readQuery(request: IncomingMessage, queryBytes: number): Promise<string> {
  const inUrl = parametersOf(request).getAll('query').join('\n');
  const body = await readBody(request, queryBytes);
  const query = inUrl !== '' && body !== '' ? `${inUrl}\n${body}` : inUrl + body;
  if (query.trim() === '') throw new AffiantError('usage_invalid', 'Empty query', { remedy: 'Send one SELECT.' });
  if (Buffer.byteLength(query) > queryBytes) throw tooLong(queryBytes);
  return query;
}

/** What else the request says: parameters for the engine, from the URL and from ClickHouse's headers. @throws AffiantError usage_invalid | query_refused */
export function readParams(request: IncomingMessage): URLSearchParams {
  const url = parametersOf(request);
  const given = [...url];
  for (const [header, name] of Object.entries(HEADER_PARAMS)) {
    const value = request.headers[header];
    if (typeof value === 'string' && !url.has(name)) given.push([name, value]);
  }
  if (given.length > MAX_PARAMS) throw new AffiantError('usage_invalid', 'too many URL parameters');
  return allowed(given);
}

/** @throws AffiantError usage_invalid */
export function parametersOf(request: Pick<IncomingMessage, 'url'>): URLSearchParams {
  return new URL(request.url ?? '/', 'http://console').searchParams;
}

/** Secrets in a URL end in logs and histories: they are refused even when they are right. @throws AffiantError query_refused */
export function assertNoSecretInUrl(url: URLSearchParams): void {
  for (const name of ['password', 'access_token', 'token']) {
    if (url.has(name)) {
      throw new AffiantError('query_refused', `the URL carries ${name}`, {
        remedy: 'Send the token as Bearer or as the password of Basic.',
      });
    }
  }
}

function allowed(given: readonly (readonly [string, string])[]): URLSearchParams {
  const params = new URLSearchParams();
  let database = '';
  for (const [name, value] of given) {
    if (name === 'database') database = value;
    else if (PASSED.some((pattern) => pattern.test(name))) params.append(name, value);
    else if (!OURS.has(name) && !LEFT_OUT.has(name)) {
      throw new AffiantError('query_refused', `the URL parameter ${name.slice(0, 64)} is not one a reader may set`, {
        remedy: 'Leave it out; docs/reference/api.md lists what passes.',
      });
    }
  }
  const target = DATABASES.get(database);
  if (target === undefined)
    throw new AffiantError('query_refused', 'there is no such database for readers', { remedy: 'Use audit or ledger.' });
  params.set('database', target);
  return params;
}

async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  if (request.method !== 'POST') return '';
  const type = request.headers['content-type'] ?? '';
  if (/^\s*multipart\//i.test(type)) {
    throw new AffiantError('query_refused', 'external tables (multipart bodies) are not served', { remedy: 'Send the query as the body.' });
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw tooLong(limit);
    chunks.push(chunk);
  }
  const bytes = await decompress(Buffer.concat(chunks), request.headers, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'the query is not UTF-8', { cause });
  }
}

async function decompress(bytes: Buffer, headers: IncomingHttpHeaders, limit: number): Promise<Buffer> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return bytes;
  const unpack = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) }[encoding];
  if (unpack === undefined) throw new AffiantError('usage_invalid', `the content encoding ${encoding.slice(0, 16)} is not served`);
  try {
    return await unpack(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(limit);
    throw new AffiantError('usage_invalid', `the body is not valid ${encoding}`, { cause });
  }
}

function tooLong(limit: number): AffiantError {
  return new AffiantError('body_too_large', `the query is longer than ${limit} bytes`, { remedy: 'Send a shorter query.' });
}
