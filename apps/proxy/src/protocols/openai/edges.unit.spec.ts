import { describe, expect, it } from 'vitest';
import { PROTOCOL_NAMES } from '#config';
import { AffiantError, ERROR_CODES, type ErrorCode } from '#errors';
import { builtInProtocols } from '../registry.js';
import { OpenaiProtocol } from './openai-protocol.js';
import { chatCall, chatText, DONE, ResponsesEvents, USAGE } from './testing/streams.js';

const protocol = new OpenaiProtocol();
const credential = { header: 'authorization', value: 'Bearer stored' };

describe('the registry', () => {
  it('has what the configuration can name', () => {
    expect(builtInProtocols().map(({ name }) => name)).toEqual([...PROTOCOL_NAMES]);
  });
});

describe('routes', () => {
  it.each([
    ['POST', '/v1/responses', 'responses'],
    ['POST', '/v1/chat/completions', 'chat_completions'],
    ['GET', '/v1/models', 'models'],
    ['GET', '/v1/models/ft:gpt-test-1:acme::abc', 'models'],
    ['HEAD', '/', 'probe'],
  ])('%s %s is served', (method, path, operation) => {
    expect(protocol.route(method, path)).toMatchObject({ operation, upstreamPath: path === '' ? '/' : path });
  });

  it.each([
    ['GET', '/v1/responses/resp_1'],
    ['GET', '/v1/responses/resp_1/input_items'],
    ['POST', '/v1/responses/resp_1/cancel'],
    ['DELETE', '/v1/responses/resp_1'],
    ['POST', '/v1/responses/compact'],
    ['POST', '/v1/responses/input_tokens'],
    ['GET', '/v1/responses'],
    ['GET', '/v1/chat/completions'],
    ['GET', '/v1/chat/completions/chatcmpl_1'],
    ['GET', '/v1/chat/completions/chatcmpl_1/messages'],
    ['POST', '/v1/completions'],
    ['POST', '/v1/embeddings'],
    ['POST', '/v1/conversations'],
    ['GET', '/v1/conversations/conv_1/items'],
    ['POST', '/v1/files'],
    ['GET', '/v1/files/file_1/content'],
    ['POST', '/v1/batches'],
    ['POST', '/v1/assistants'],
    ['POST', '/v1/threads/thread_1/runs'],
    ['GET', '/v1/vector_stores'],
    ['POST', '/v1/images/generations'],
    ['POST', '/v1/audio/speech'],
    ['GET', '/v1/realtime'],
    ['POST', '/v1/traces/ingest'],
    ['GET', '/v1/containers/cntr_1/files'],
    ['POST', '/V1/responses'],
    ['POST', '/v1/responses/'],
    ['DELETE', '/v1/models/m'],
    ['POST', '/v1/messages'],
    ['POST', '/v1/toString'],
    ['POST', 'constructor'],
  ])('%s %s is not', (method, path) => {
    expect(protocol.route(method, path)).toBeNull();
  });
});

describe('headers', () => {
  it('put the stored credential in the place of every other', () => {
    const sent = [
      'Host',
      'gateway',
      'authorization',
      'Bearer caller',
      'X-Api-Key',
      'caller',
      'api-key',
      'caller',
      'OpenAI-Organization',
      'org-caller',
      'OpenAI-Beta',
      'responses=v1',
      'X-Stainless-Lang',
      'js',
      'Accept-Encoding',
      'br',
      'Connection',
      'x-hop',
      'x-hop',
      '1',
    ];
    const headers = protocol.upstreamHeaders(sent, credential);
    expect(headers).toEqual([
      'OpenAI-Beta',
      'responses=v1',
      'X-Stainless-Lang',
      'js',
      'accept-encoding',
      'identity',
      'authorization',
      'Bearer stored',
    ]);
    expect(headers.join()).not.toContain('caller');
  });

  it('bring back what the provider says, but not whose account it is', () => {
    const back = protocol.clientHeaders(
      [
        'x-request-id',
        'req_1',
        'x-ratelimit-remaining-tokens',
        '9',
        'openai-organization',
        'acme',
        'openai-processing-ms',
        '7',
        'content-length',
        '3',
      ],
      'ours',
    );
    expect(back).toEqual({ 'x-request-id': 'req_1', 'x-ratelimit-remaining-tokens': '9', 'openai-processing-ms': '7' });
    expect(protocol.clientHeaders([], 'ours')).toEqual({ 'x-request-id': 'ours' });
  });

  it('correlate, when they look like ids', () => {
    expect(protocol.sessionOf({ session_id: 's-1' })).toBe('s-1');
    expect(protocol.sessionOf({ 'x-session-id': 'a b' })).toBeNull();
    expect(protocol.correlation({ traceparent: '00-1', cookie: 'x' })).toEqual([{ name: 'traceparent', value: '00-1' }]);
  });
});

describe('refusals', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s is in the format of the API', (code) => {
    const { status, headers, body } = protocol.refusal(new AffiantError(code, 'what happened'), 'req_1');
    const { error } = JSON.parse(body.toString()) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ param: null, code });
    expect(String(error['message'])).toContain('what happened');
    expect(status).toBe(ERROR_CODES[code].status === 529 ? 503 : ERROR_CODES[code].status);
    expect(headers['x-request-id']).toBe('req_1');
  });

  it('tell which calls are worth another try', () => {
    expect(protocol.refusal(new AffiantError('approval_pending', 'x'), 'r')).toMatchObject({
      status: 429,
      headers: { 'retry-after': '5', 'x-should-retry': 'true' },
    });
    expect(protocol.refusal(new AffiantError('policy_blocked', 'x'), 'r')).toMatchObject({
      status: 403,
      headers: { 'x-should-retry': 'false' },
    });
  });

  it('are errors to clients of both APIs inside a stream', () => {
    const event = protocol.streamRefusal(new AffiantError('policy_blocked', 'no')).toString();
    expect(event).toMatch(/^event: error\ndata: \{"type":"error","code":"policy_blocked",/);
    expect(JSON.parse(event.slice(event.indexOf('{')))).toMatchObject({ error: { code: 'policy_blocked', type: 'permission_error' } });
    expect(event.endsWith('\n\n')).toBe(true);
    expect(protocol.keepAlive().toString()).toMatch(/^: [^\n]+\n\n$/);
  });
});

describe('a stream put together', () => {
  const assemble = (stream: string): unknown => JSON.parse(protocol.assemble(Buffer.from(`: waiting\n\n${stream}`)).toString());

  it('is the response of its last event', () => {
    const events = new ResponsesEvents().message(['a', 'b']);
    expect(assemble(events.end())).toEqual(events.response('completed'));
  });

  it('is the completion its chunks make', () => {
    expect(assemble(chatText(['a', 'b']) + chatText(['c'], 1) + USAGE + DONE)).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-test-1',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'ab', refusal: null }, finish_reason: 'stop' },
        { index: 1, message: { content: 'c' } },
      ],
      usage: { prompt_tokens: 25 },
    });
    expect(assemble(chatCall('f', ['{"a"', ':1}']) + DONE)).toMatchObject({
      choices: [
        {
          message: { content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
          finish_reason: 'tool_calls',
        },
      ],
    });
  });

  it('is the error it ended in', () => {
    expect(assemble(chatText(['a']) + protocol.streamRefusal(new AffiantError('policy_blocked', 'no')).toString())).toMatchObject({
      error: { code: 'policy_blocked' },
    });
  });
});
