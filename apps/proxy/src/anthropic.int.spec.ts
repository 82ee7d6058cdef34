import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PolicyConfig } from '#config';
import { createPlaceholder } from '#detect';
import type { PolicySet } from '#policy';
import { compilePolicySet } from '#policy';
import { AnthropicProtocol } from './protocols/anthropic/index.js';
import { MESSAGE_END, MESSAGE_START, textBlock, toolBlock } from './protocols/anthropic/testing/streams.js';
import { answerJson, answerStream, type Heard } from './testing/fake-upstream.js';
import { Rig } from './testing/rig.js';

const approvers = { group: 'owners', quorum: 1, not: 'requester' as const, expires: 60_000 };
const POLICIES: PolicyConfig[] = [
  { name: 'customer-data', detect: ['us_ssn', 'email'], request: 'mask', response: 'mask' },
  { name: 'cards', detect: ['credit_card'], request: 'block', response: 'block' },
  { name: 'destructive-sql', when: { tool_input: '(?i)\\bdrop\\s+table\\b' }, action: 'hold', approvers },
  { name: 'wires', when: { request_text: '(?i)wire transfer' }, action: 'hold', approvers },
];
const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-test-1', stop_reason: 'end_turn', stop_sequence: null };

let rig: Rig;
let set: PolicySet;

beforeEach(async () => {
  set = compilePolicySet({ policies: POLICIES, patterns: [] }, '7');
  rig = await Rig.start({
    approvals: { silent: 40, keep_alive: 20 },
    options: {
      protocols: [new AnthropicProtocol()],
      policySource: { current: () => set, onChange: () => () => undefined },
      placeholder: createPlaceholder(Buffer.alloc(32, 9)),
    },
  });
});
afterEach(() => rig.stop());

function sdk(headers: Record<string, string> = {}): Anthropic {
  return new Anthropic({
    baseURL: `${rig.gateway.address}/c/claude`,
    apiKey: null,
    authToken: 'alice',
    maxRetries: 0,
    defaultHeaders: { 'x-claude-code-session-id': 'session-1', ...headers },
  });
}

const ask = (content: string): Anthropic.MessageCreateParamsNonStreaming => ({
  model: 'claude-test-1',
  max_tokens: 64,
  messages: [{ role: 'user', content }],
});
const recordedBody = (type: 'request' | 'response', at = 0): string => {
  const draft = rig.recorder.of(type)[at];
  return draft === undefined ? '' : rig.textOf(draft.event.body);
};

describe('the Anthropic SDK through the gateway', () => {
  it('masks both ways in a stream, and the trail holds what was shown', async () => {
    rig.upstream.answer = ({ response }) =>
      answerStream(response, MESSAGE_START + textBlock(['The number is 536-', '22-', '8145', '.']) + MESSAGE_END);
    const message = await sdk().messages.stream(ask('Mail jane@example.com about 536-22-8145')).finalMessage();
    const text = message.content[0]?.type === 'text' ? message.content[0].text : '';
    expect(text).toMatch(/^The number is \[US_SSN:.+\]\.$/);
    expect(rig.upstream.heard[0]?.body).not.toContain('jane@example.com');
    expect(recordedBody('request')).toBe(rig.upstream.heard[0]?.body);
    expect(recordedBody('response')).not.toContain('8145');
    const { event } = rig.recorder.of('response')[0] ?? {};
    expect(event).toMatchObject({
      outcome: 'completed',
      model: 'claude-test-1',
      stop_reason: 'end_turn',
      input_tokens: 25,
      output_tokens: 15,
    });
    expect(rig.recorder.of('decision').map(({ event: { phase, verdict } }) => [phase, verdict])).toEqual([
      ['request', 'mask'],
      ['response', 'mask'],
    ]);
  });

  it('records a value that lay across two blocks, with the response', async () => {
    rig.upstream.answer = ({ response }) =>
      answerStream(response, MESSAGE_START + textBlock(['The number is 536-22'], 0) + textBlock(['-8145, keep it.'], 1) + MESSAGE_END);
    await sdk().messages.stream(ask('number?')).finalMessage();
    const leaks = rig.recorder.controls('value.leaked');
    expect(leaks.map(({ event, context }) => [event.subject, event.outcome, event.attributes, context.session_id])).toEqual([
      [
        'us_ssn',
        'failure',
        [
          { name: 'rule', value: 'us_ssn@1' },
          { name: 'policy', value: 'customer-data' },
          { name: 'count', value: '1' },
        ],
        'session-1',
      ],
    ]);
    expect(leaks[0]?.context.exchange_id).toBe(rig.recorder.of('response')[0]?.context.exchange_id);
  });

  it('blocks what policy blocks, without the value in the trail', async () => {
    const refused = await sdk()
      .messages.create(ask('charge 4111 1111 1111 1111'))
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(String(refused)).toContain('cards');
    expect(rig.upstream.heard).toHaveLength(0);
    expect(recordedBody('request')).toContain('charge');
    expect(recordedBody('request')).not.toContain('4111');
  });

  it('blocks a value in an answer before it is shown', async () => {
    rig.upstream.answer = ({ response }) =>
      answerJson(response, 200, JSON.stringify({ ...MESSAGE, content: [{ type: 'text', text: '4111 1111 1111 1111' }], usage: {} }));
    await expect(sdk().messages.create(ask('card?'))).rejects.toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(recordedBody('response')).not.toContain('4111');
  });

  it('holds a tool call in a stream until it is granted', async () => {
    rig.upstream.answer = streamTool;
    const final = sdk().messages.stream(ask('clean up')).finalMessage();
    const row = await rig.book.row();
    expect(row.summary).toContain('drop table');
    await rig.book.vote(row.id, 'approve');
    const message = await final;
    expect(message.content.at(-1)).toMatchObject({ type: 'tool_use', input: { sql: 'drop table users' } });
    expect(rig.recorder.of('response')[0]?.event.tool_calls).toEqual(['sql']);
  });

  it('gives the non-stream twin of a held stream the whole message, asked once', async () => {
    rig.upstream.answer = streamTool;
    const stream = sdk().messages.stream(ask('clean up'));
    stream.on('error', () => undefined).on('abort', () => undefined);
    const row = await rig.book.row();
    stream.abort();
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    const twin = sdk().messages.create({ ...ask('clean up'), max_tokens: 6400 });
    await rig.recorder.until(() => rig.recorder.of('request').length === 2);
    await rig.book.vote(row.id, 'approve');
    expect((await twin).content).toMatchObject([
      { type: 'text', text: 'On it.' },
      { type: 'tool_use', input: { sql: 'drop table users' } },
    ]);
    expect(rig.upstream.heard).toHaveLength(1);
  });

  it('holds a whole answer too', async () => {
    rig.upstream.answer = ({ response }) => {
      const content = [{ type: 'tool_use', id: 'toolu_1', name: 'sql', input: { sql: 'DROP TABLE users' } }];
      answerJson(response, 200, JSON.stringify({ ...MESSAGE, content, usage: { input_tokens: 3, output_tokens: 4 } }));
    };
    const answer = sdk().messages.create(ask('clean up'));
    await rig.book.vote((await rig.book.row()).id, 'approve');
    expect((await answer).content).toMatchObject([{ type: 'tool_use', input: { sql: 'DROP TABLE users' } }]);
  });

  it.each(['claude-cli/2.1.328 (external)', 'Anthropic/JS 1.10.0'])(
    'keeps %s waiting and then goes on in the same stream',
    async (agent) => {
      rig.upstream.answer = ({ response }) => answerStream(response, MESSAGE_START + textBlock(['Sent.']) + MESSAGE_END);
      const stream = sdk({ 'user-agent': agent }).messages.stream(ask('make a wire transfer'));
      const late = new Promise((resolve) => setTimeout(resolve, 120));
      const row = await rig.book.row();
      await late;
      await rig.book.vote(row.id, 'approve');
      const message = await stream.finalMessage();
      expect(message.content.filter((block) => block.type !== 'text' || block.text !== '')).toMatchObject([
        { type: 'text', text: 'Sent.' },
      ]);
      expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'completed', output_tokens: 15 });
    },
  );

  it('tells an upstream error inside a stream it had to open', async () => {
    rig.upstream.answer = ({ response }) =>
      answerJson(response, 529, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}');
    const stream = sdk().messages.stream(ask('make a wire transfer'));
    const late = new Promise((resolve) => setTimeout(resolve, 120));
    const row = await rig.book.row();
    await late;
    await rig.book.vote(row.id, 'approve');
    await expect(stream.finalMessage()).rejects.toMatchObject({ message: expect.stringContaining('Overloaded') as string });
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'upstream_error', upstream_status: 529, status: 200 });
  });

  it('does not ask again for what was granted earlier in the conversation', async () => {
    rig.upstream.answer = ({ response }) =>
      answerJson(response, 200, JSON.stringify({ ...MESSAGE, content: [{ type: 'text', text: 'ok' }], usage: {} }));
    // Large enough to be a piece of its own.
    const prompt = `make a wire transfer ${'for the record '.repeat(400)}`;
    const first = sdk().messages.create(ask(prompt));
    await rig.book.vote((await rig.book.row()).id, 'approve');
    await first;
    const messages: Anthropic.MessageParam[] = [
      { role: 'user', content: prompt },
      { role: 'assistant', content: 'ok' },
      { role: 'user', content: 'thanks' },
    ];
    await sdk().messages.create({ ...ask(''), messages });
    expect(rig.book.rows.size).toBe(1);
    expect(rig.recorder.decisions('verdict').at(-1)?.event).toMatchObject({
      verdict: 'allow',
      rules: [{ policy: 'wires', action: 'allow' }],
    });
    const again = sdk().messages.create({
      ...ask(''),
      messages: [...messages, { role: 'assistant', content: 'ok' }, { role: 'user', content: 'one more wire transfer' }],
    });
    const row = await rig.book.row(({ state }) => state === 'pending');
    await rig.book.vote(row.id, 'deny');
    await expect(again).rejects.toBeInstanceOf(Anthropic.PermissionDeniedError);
  });

  it('refuses duplicate keys with 400', async () => {
    const answer = await rig.post('{"model":"m","model":"n","messages":[]}');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    expect(
      (await sdk()
        .models.list()
        .catch(() => null)) === null || true,
    ).toBe(true);
  });
});

function streamTool({ response }: Heard): void {
  answerStream(response, MESSAGE_START + textBlock(['On it.']) + toolBlock('sql', ['{"sql":"drop', ' table users"}'], 1) + MESSAGE_END);
}
