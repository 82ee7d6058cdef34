import { describe, expect, it } from 'vitest';
import { AffiantError, ERROR_CODES, type ErrorCode } from '#errors';
import { AnthropicProtocol } from './anthropic-protocol.js';

const protocol = new AnthropicProtocol();

describe('routes', () => {
  it.each([
    ['POST', '/v1/messages', 'messages'],
    ['POST', '/v1/messages/count_tokens', 'count_tokens'],
    ['GET', '/v1/models', 'models'],
    ['GET', '/v1/models/claude-sonnet-4-5-20250929', 'models'],
    ['HEAD', '/', 'probe'],
  ])('%s %s is %s', (method, path, operation) => {
    expect(protocol.route(method, path)?.operation).toBe(operation);
  });

  it.each([
    ['GET', '/v1/messages'],
    ['POST', '/v1/messages/'],
    ['POST', '/v1/messages/batches'],
    ['GET', '/v1/messages/batches/b/results'],
    ['GET', '/v1/files'],
    ['POST', '/v1/files'],
    ['GET', '/v1/files/f/content'],
    ['GET', '/v1/models/a/b'],
    ['GET', '/v1/models/..%2ffiles'],
    ['GET', '/v1/models/'],
    ['POST', '/v1/complete'],
    ['POST', '/v1/oauth/token'],
    ['DELETE', '/v1/models/x'],
    ['POST', '/V1/messages'],
    ['POST', '//v1/messages'],
    ['GET', '/'],
    ['HEAD', '/v1/messages'],
  ])('%s %s is nobody’s', (method, path) => {
    expect(protocol.route(method, path)).toBeNull();
  });
});

describe('headers upstream', () => {
  const credential = { header: 'x-api-key', value: 'stored' };

  it('exchange the credential and keep all others in order and spelling', () => {
    const sent = ['Host', 'gw', 'X-Api-Key', 'caller', 'Authorization', 'Bearer caller', 'anthropic-version', '2023-06-01', 'X-New-Thing', 'a', 'x-new-thing', 'b', 'Accept-Encoding', 'gzip', 'Content-Length', '9', 'Connection', 'keep-alive, X-Hop', 'X-Hop', '1', 'Transfer-Encoding', 'chunked', 'Proxy-Authorization', 'p', 'TE', 'trailers', 'User-Agent', 'claude-cli/2']; // prettier-ignore
    // prettier-ignore
    expect(protocol.upstreamHeaders(sent, credential)).toEqual([
      'anthropic-version', '2023-06-01', 'X-New-Thing', 'a', 'x-new-thing', 'b', 'User-Agent', 'claude-cli/2',
      'accept-encoding', 'identity', 'x-api-key', 'stored',
    ]);
  });

  it('drop the OAuth beta for an API key only, and touch no other beta', () => {
    const beta = (value: string, header = 'x-api-key'): string | undefined => {
      const headers = protocol.upstreamHeaders(['Anthropic-Beta', value], { header, value: 'v' });
      return headers[headers.indexOf('Anthropic-Beta') + 1] === 'accept-encoding' ? undefined : headers[1];
    };
    expect(beta('a-1, b-2')).toBe('a-1, b-2');
    expect(beta('oauth-2025-04-20,a-1, b-2')).toBe('a-1, b-2');
    expect(beta('a-1,oauth-2025-04-20,b-2')).toBe('a-1,b-2');
    expect(beta('a-1, oauth-2025-04-20')).toBe('a-1');
    expect(protocol.upstreamHeaders(['anthropic-beta', 'oauth-2025-04-20'], credential)).toEqual([
      'accept-encoding',
      'identity',
      'x-api-key',
      'stored',
    ]);
    expect(beta('oauth-2025-04-20,a-1', 'authorization')).toBe('oauth-2025-04-20,a-1');
  });
});

describe('headers for the client', () => {
  it('keep what the SDKs read, drop lengths, encodings and the organization', () => {
    const raw = ['Content-Type', 'application/json', 'Content-Length', '5', 'Content-Encoding', 'identity', 'request-id', 'req_up', 'anthropic-ratelimit-requests-remaining', '9', 'retry-after', '3', 'x-should-retry', 'true', 'anthropic-organization-id', 'org', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Connection', 'close']; // prettier-ignore
    expect(protocol.clientHeaders(raw, 'ours')).toEqual({
      'content-type': 'application/json',
      'request-id': 'req_up',
      'anthropic-ratelimit-requests-remaining': '9',
      'retry-after': '3',
      'x-should-retry': 'true',
      'set-cookie': ['a=1', 'b=2'],
    });
    expect(protocol.clientHeaders([], 'ours')['request-id']).toBe('ours');
  });

  it('correlation is taken as said, cut, and a session only when it looks like one', () => {
    const headers = {
      'x-claude-code-session-id': 's-1',
      traceparent: 't'.repeat(900),
      'x-app': 'cli',
      'x-api-key': 'k',
      authorization: 'b',
    };
    expect(protocol.correlation(headers).map(({ name, value }) => [name, value.length])).toEqual([
      ['x-claude-code-session-id', 3],
      ['traceparent', 256],
      ['x-app', 3],
    ]);
    expect(protocol.sessionOf(headers)).toBe('s-1');
    expect(protocol.sessionOf({ 'x-claude-code-session-id': 'a b\n' })).toBeNull();
    expect(protocol.sessionOf({})).toBeNull();
  });
});

describe('refusals', () => {
  const refuse = (code: ErrorCode): ReturnType<AnthropicProtocol['refusal']> =>
    protocol.refusal(new AffiantError(code, 'Policy "customer-data" blocks this call: us_ssn in the request (1).'), 'req_1');

  it.each([
    ['token_expired', 401, 'authentication_error', undefined],
    ['policy_blocked', 403, 'permission_error', 'false'],
    ['approval_denied', 403, 'permission_error', 'false'],
    ['connection_unknown', 404, 'not_found_error', 'false'],
    ['body_too_large', 413, 'request_too_large', 'false'],
    ['body_invalid', 400, 'invalid_request_error', 'false'],
    ['approval_pending', 429, 'rate_limit_error', 'true'],
    ['overloaded', 529, 'overloaded_error', 'true'],
    ['journal_full', 503, 'api_error', 'true'],
    ['stream_invalid', 502, 'api_error', undefined],
  ] as const)('%s is %i %s', (code, status, type, shouldRetry) => {
    const { status: got, headers, body } = refuse(code);
    expect(got).toBe(status);
    const document = JSON.parse(body.toString()) as { type: string; error: { type: string; message: string }; request_id: string };
    expect(document).toMatchObject({ type: 'error', error: { type }, request_id: 'req_1' });
    expect(document.error.message).toContain('customer-data');
    expect(document.error.message).toContain(ERROR_CODES[code].remedy);
    expect(headers).toMatchObject({ 'request-id': 'req_1', 'content-type': 'application/json', 'content-length': String(body.length) });
    expect(headers['x-should-retry']).toBe(shouldRetry);
  });

  it('ask for a retry within the minute clients honour', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[])
      expect(Number(refuse(code).headers['retry-after'] ?? 1)).toBeLessThanOrEqual(60);
    expect(refuse('approval_pending').headers['retry-after']).toBe('5');
  });

  it('in a stream are an error event', () => {
    const frame = protocol.streamRefusal(new AffiantError('approval_denied', 'No.'), 'req_1').toString();
    expect(frame).toMatch(/^event: error\ndata: \{"type":"error","error":\{"type":"permission_error",.*"request_id":"req_1"\}\n\n$/);
  });
});
