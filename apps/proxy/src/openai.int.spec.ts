import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from 'node:net';
import type { PolicyConfig } from '#config';
import { createPlaceholder } from '#detect';
import { compilePolicySet, type PolicySet } from '#policy';
import { OpenaiProtocol } from './protocols/openai/index.js';
import { chatCall, chatText, deltasOf, DONE, ResponsesEvents, USAGE } from './protocols/openai/testing/streams.js';
import { answerJson, answerStream } from './testing/fake-upstream.js';
import { connection, Rig, type Answer } from './testing/rig.js';

const approvers = { group: 'owners', quorum: 1, not: 'requester' as const, expires: 60_000 };
const POLICIES: PolicyConfig[] = [
  { name: 'customer-data', detect: ['us_ssn', 'email'], request: 'mask', response: 'mask' },
  { name: 'cards', detect: ['credit_card'], request: 'block', response: 'block' },
  { name: 'destructive-sql', when: { tool_input: '(?i)\\bdrop\\s+table\\b' }, action: 'hold', approvers },
  { name: 'wires', when: { request_text: '(?i)wire transfer' }, action: 'hold', approvers },
];
const set: PolicySet = compilePolicySet({ policies: POLICIES, patterns: [] }, '7');
const DROP = '{"sql":"drop table users"}';

let rig: Rig;

beforeEach(async () => {
  rig = await Rig.start({
    approvals: { silent: 40, keep_alive: 20 },
    options: {
      protocols: [new OpenaiProtocol()],
      policySource: { current: () => set, onChange: () => () => undefined },
      placeholder: createPlaceholder(Buffer.alloc(32, 9)),
      credentials: () => ({ header: 'authorization', value: 'Bearer stored-key' }),
    },
  });
  const [first] = rig.connections;
  rig.connections = [
    { ...connection('gpt', first!.upstream), protocol: 'openai' },
    { ...connection('lax', first!.upstream), protocol: 'openai', provider_state: 'allow' },
  ];
});
afterEach(() => rig.stop());

const responses = (input: unknown, more: object = {}, where = 'gpt'): Promise<Answer> =>
  rig.post({ model: 'gpt-test-1', input, store: false, ...more }, { path: `/c/${where}/v1/responses` });
const chat = (content: string, more: object = {}): Promise<Answer> =>
  rig.post({ model: 'gpt-test-1', messages: [{ role: 'user', content }], ...more }, { path: '/c/gpt/v1/chat/completions' });
const recordedBody = (type: 'request' | 'response', at = 0): string => {
  const draft = rig.recorder.of(type)[at];
  return draft === undefined ? '' : rig.textOf(draft.event.body);
};
const errorOf = (answer: Answer): { type: string; code: string; message: string } =>
  (JSON.parse(answer.body) as { error: { type: string; code: string; message: string } }).error;

describe('the OpenAI protocol through the gateway', () => {
  it('masks both ways in a stream, and the trail holds what was shown', async () => {
    rig.upstream.answer = ({ response }) =>
      answerStream(response, new ResponsesEvents().message(['The number is 536-', '22-', '8145', '.']).end());
    const answer = await responses('Mail jane@example.com about 536-22-8145', { stream: true });
    expect([...deltasOf(Buffer.from(answer.body)).values()].join('')).toMatch(/^The number is \[US_SSN:.+\]\.$/);
    const [heard] = rig.upstream.heard;
    expect(heard?.body).not.toMatch(/jane@|8145/);
    expect(heard?.headers['authorization']).toBe('Bearer stored-key');
    expect(JSON.stringify(heard?.headers)).not.toContain('alice');
    expect(recordedBody('request')).toBe(heard?.body);
    expect(recordedBody('response')).toBe(answer.body);
    expect(answer.body).not.toContain('8145');
    expect(rig.recorder.of('request')[0]?.event).toMatchObject({
      protocol: 'openai',
      operation: 'responses',
      model: 'gpt-test-1',
      stream: true,
    });
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({
      outcome: 'completed', model: 'gpt-test-1', stop_reason: 'completed', input_tokens: 25, output_tokens: 15, cache_read_tokens: 7,
    }); // prettier-ignore
  });

  it('serves chat completions, streamed and not', async () => {
    rig.upstream.answer = ({ response, body }) =>
      body.includes('"stream":true')
        ? answerStream(response, chatText(['it is 536-22-', '8145']) + USAGE + DONE)
        : answerJson(
            response,
            200,
            JSON.stringify({
              object: 'chat.completion',
              model: 'm',
              choices: [{ index: 0, message: { role: 'assistant', content: 'it is 536-22-8145' }, finish_reason: 'stop' }],
            }),
          );
    const streamed = await chat('hello', { stream: true, stream_options: { include_usage: true } });
    const whole = JSON.parse((await chat('hello')).body) as { choices: { message: { content: string } }[] };
    expect(deltasOf(Buffer.from(streamed.body)).get('0 content')).toBe(whole.choices[0]?.message.content);
    expect(whole.choices[0]?.message.content).toMatch(/^it is \[US_SSN:/);
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({
      outcome: 'completed',
      stop_reason: 'stop',
      input_tokens: 25,
      output_tokens: 15,
    });
  });

  it('passes unknown fields, headers and errors byte for byte', async () => {
    const error = '{ "error" : {"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"} }';
    rig.upstream.answer = ({ response }) => {
      response.writeHead(404, {
        'content-type': 'application/json',
        'x-request-id': 'req_up',
        'x-ratelimit-remaining-requests': '7',
        'openai-organization': 'acme',
      });
      response.end(error);
    };
    const body = ' {"store":false,"x_future":[1.0, 2e3],"input":"hi","model":"nope"}';
    const answer = await rig.post(body, { path: '/c/gpt/v1/responses', headers: { 'OpenAI-Beta': 'x=1', 'X-Stainless-Lang': 'js' } });
    expect(answer).toMatchObject({ status: 404, body: error });
    expect(answer.headers).toMatchObject({ 'x-request-id': 'req_up', 'x-ratelimit-remaining-requests': '7' });
    expect(answer.headers['openai-organization']).toBeUndefined();
    expect(rig.upstream.heard[0]).toMatchObject({ body, headers: { 'openai-beta': 'x=1', 'x-stainless-lang': 'js' } });
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({
      outcome: 'upstream_error',
      upstream_status: 404,
      upstream_request_id: 'req_up',
    });
  });

  it('refuses in the format of the API, and nothing goes upstream', async () => {
    const blocked = await responses('charge 4111 1111 1111 1111');
    expect([blocked.status, errorOf(blocked)]).toMatchObject([403, { type: 'permission_error', code: 'policy_blocked' }]);
    expect(errorOf(blocked).message).toContain('cards');
    const kept = await responses('hello', { store: true });
    expect([kept.status, errorOf(kept).code]).toEqual([403, 'policy_blocked']);
    expect(errorOf(kept).message).toContain('store: false');
    expect((await rig.post('{"input":"a","input":"b"}', { path: '/c/gpt/v1/responses' })).status).toBe(400);
    expect(
      (await rig.post({ input: 'x', store: false }, { path: '/c/gpt/v1/responses', headers: { authorization: 'Bearer bad' } })).status,
    ).toBe(401);
    expect(rig.upstream.heard).toHaveLength(0);
    expect(rig.recorder.of('decision').map(({ event }) => event.verdict)).toEqual(['block', 'block', 'block']);
  });

  it('lets a connection that allows it keep state at the provider', async () => {
    rig.upstream.answer = ({ response }) => answerJson(response, 200, JSON.stringify(new ResponsesEvents().response('completed')));
    expect((await responses('hello', { store: true, previous_response_id: 'resp_1' }, 'lax')).status).toBe(200);
    expect(rig.upstream.heard).toHaveLength(1);
  });

  it.each([
    ['GET', '/v1/responses/resp_1'],
    ['GET', '/v1/responses/resp_1/input_items'],
    ['POST', '/v1/responses/resp_1/cancel'],
    ['GET', '/v1/files/file_1/content'],
    ['POST', '/v1/assistants'],
  ])('denies %s %s', async (method, path) => {
    const answer = await rig.post(undefined, { method, path: `/c/gpt${path}` });
    expect([answer.status, errorOf(answer).code]).toEqual([403, 'path_denied']);
    expect(rig.upstream.heard).toHaveLength(0);
  });

  it('refuses the WebSocket transport', async () => {
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(rig.gateway.port, '127.0.0.1', () =>
        socket.write(
          'GET /c/gpt/v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer alice\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
        ),
      );
      socket.on('data', (data) => (text += data.toString())).on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('"code":"upgrade_denied"');
    expect(rig.upstream.heard).toHaveLength(0);
  });
});

describe('calls of tools that wait for people', () => {
  const streamCall = new ResponsesEvents().message(['On it.']).call('sql', ['{"sql":"drop', ' table users"}']).end();

  it.each([
    ['responses', streamCall],
    ['chat', chatCall('sql', ['{"sql":"drop', ' table users"}']) + USAGE + DONE],
  ])('%s: the stream stops there until it is granted', async (api, stream) => {
    rig.upstream.answer = ({ response }) => answerStream(response, stream);
    const answer = api === 'chat' ? chat('clean up', { stream: true }) : responses('clean up', { stream: true });
    const row = await rig.book.row();
    expect(row.summary).toBe(DROP);
    await rig.book.vote(row.id, 'approve');
    expect(deltasOf(Buffer.from((await answer).body))).toEqual(deltasOf(Buffer.from(stream)));
    expect(rig.recorder.of('response')[0]?.event.tool_calls).toEqual(['sql']);
    expect(rig.upstream.heard).toHaveLength(1);
  });

  it('a denied one ends the stream in an error, and its retry gets the same verdict', async () => {
    rig.upstream.answer = ({ response }) => answerStream(response, streamCall);
    const answer = responses('clean up', { stream: true });
    await rig.book.vote((await rig.book.row()).id, 'deny', 'not today');
    const { body } = await answer;
    expect(body).toContain('event: error\ndata: {"type":"error","code":"approval_denied"');
    expect(body).not.toContain('drop table');
    const again = await responses('clean up');
    expect([again.status, errorOf(again).code]).toEqual([403, 'approval_denied']);
    expect(rig.upstream.heard).toHaveLength(1);
  });

  it('the call that comes again without a stream joins the decision, and gets the whole answer', async () => {
    rig.upstream.answer = ({ response }) => answerStream(response, streamCall);
    let abort: () => void = () => undefined;
    const gone = rig.post(
      { model: 'gpt-test-1', input: 'clean up', store: false, stream: true },
      { path: '/c/gpt/v1/responses', onRequest: (request) => (abort = () => request.destroy()) },
    );
    const row = await rig.book.row();
    abort();
    await gone;
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    expect(rig.recorder.of('response')[0]?.event.outcome).toBe('client_gone');
    const twin = responses('clean up');
    await rig.recorder.until(() => rig.recorder.of('request').length === 2);
    await rig.book.vote(row.id, 'approve');
    expect(JSON.parse((await twin).body)).toMatchObject({
      object: 'response',
      output: [{ type: 'message' }, { type: 'function_call', arguments: DROP }],
    });
    expect(rig.upstream.heard).toHaveLength(1);
  });

  it('comments keep the client waiting, and the answer goes on in the same stream', async () => {
    const stream = new ResponsesEvents().message(['Sent.']).end();
    rig.upstream.answer = ({ response }) => answerStream(response, stream);
    let seen: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (seen = resolve));
    const answer = rig.post(
      { model: 'gpt-test-1', input: 'make a wire transfer', store: false, stream: true },
      { path: '/c/gpt/v1/responses', onRequest: (request) => request.on('response', (response) => response.once('data', () => seen())) },
    );
    const row = await rig.book.row();
    await waiting;
    await rig.book.vote(row.id, 'approve');
    const { body, headers } = await answer;
    expect(headers['content-type']).toContain('text/event-stream');
    expect(body).toMatch(/^(: waiting for an approver\n\n)+event: response\.created\n/);
    expect(deltasOf(Buffer.from(body))).toEqual(deltasOf(Buffer.from(stream)));
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'completed', output_tokens: 15 });
  });
});

describe('streams that end badly', () => {
  const half = new ResponsesEvents().event('response.output_text.delta', {
    output_index: 0,
    content_index: 0,
    delta: 'her number is 536-22',
  }).soFar;

  it('an error in the middle is told, and recorded', async () => {
    rig.upstream.answer = ({ response }) =>
      answerStream(
        response,
        `${half}event: error\ndata: {"type":"error","code":"server_error","message":"it broke","param":null,"sequence_number":3}\n\n`,
      );
    const { body } = await responses('hello', { stream: true });
    expect(body).toContain('it broke');
    expect(body).not.toContain('536-22');
    expect(rig.recorder.of('response')[0]?.event.outcome).toBe('stream_error');
  });

  it('an upstream that goes away leaves a broken stream and no undecided word', async () => {
    const answer = await (async () => {
      rig.upstream.answer = ({ response }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(half, () => response.destroy());
      };
      return responses('hello', { stream: true });
    })();
    expect(answer.body).not.toContain('536-22');
    expect(rig.recorder.of('response')[0]?.event.outcome).toBe('upstream_gone');
  });

  it('a retry of a failed call names it', async () => {
    rig.upstream.answer = ({ response }) =>
      answerJson(response, 500, '{"error":{"message":"oops","type":"server_error","param":null,"code":null}}');
    await responses('hello');
    await responses('hello');
    const [first, second] = rig.recorder.of('request');
    expect(second?.event.joins_exchange).toBe(first?.context.exchange_id);
  });
});
