import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import type { PolicyConfig } from '#config';
import { createPlaceholder } from '#detect';
import { compilePolicySet } from '#policy';
import { AnthropicProtocol } from './protocols/anthropic/index.js';
import { MESSAGE_END, MESSAGE_START, sse, textBlock, toolBlock } from './protocols/anthropic/testing/streams.js';
import { OpenaiProtocol } from './protocols/openai/index.js';
import { chatText, DONE, ResponsesEvents, USAGE } from './protocols/openai/testing/streams.js';
import { answerJson, answerStream } from './testing/fake-upstream.js';
import { connection, Rig } from './testing/rig.js';

const approvers = { group: 'owners', quorum: 1, not: 'requester' as const, expires: 60_000 };
const POLICIES: PolicyConfig[] = [
  { name: 'customer-data', detect: ['us_ssn', 'email'], request: 'mask', response: 'mask', restore: ['text', 'tool_input'] },
  { name: 'mail-outside', when: { tool: 'mail', tool_input: '\\d{3}-\\d{2}-\\d{4}' }, action: 'hold', approvers },
];
const set = compilePolicySet({ policies: POLICIES, patterns: [] }, '7');
const placeholder = createPlaceholder(Buffer.alloc(32, 9));
const SSN = '536-22-8145';
const MAIL = 'jane@example.com';
const HELD = placeholder('us_ssn', SSN);
const MAIL_HELD = placeholder('email', MAIL);
const ASKED = `Mail ${MAIL} about ${SSN}`;

let rig: Rig;
afterEach(() => rig.stop());

async function start(): Promise<void> {
  rig = await Rig.start({
    approvals: { silent: 40, keep_alive: 20 },
    options: {
      protocols: [new AnthropicProtocol(), new OpenaiProtocol()],
      policySource: { current: () => set, onChange: () => () => undefined },
      placeholder,
    },
  });
  const [first] = rig.connections;
  rig.connections = [...rig.connections, { ...connection('gpt', first!.upstream), protocol: 'openai' }];
}

const sdk = (): Anthropic =>
  new Anthropic({
    baseURL: `${rig.gateway.address}/c/claude`,
    apiKey: null,
    authToken: 'alice',
    maxRetries: 0,
    defaultHeaders: { 'x-claude-code-session-id': 'session-1' },
  });
const ask = (messages: Anthropic.MessageParam[]): Anthropic.MessageCreateParamsNonStreaming => ({
  model: 'claude-test-1',
  max_tokens: 64,
  messages,
});

/** All that was recorded, content opened: no value may be in it anywhere, nor in what people and the log are shown. */
function trail(): string {
  const parts: string[] = [];
  for (const draft of rig.recorder.drafts) {
    parts.push(JSON.stringify(draft));
    if (draft.type === 'request' || draft.type === 'response') parts.push(rig.textOf(draft.event.body));
    if (draft.type === 'segment') parts.push(rig.textOf(draft.event));
  }
  parts.push(JSON.stringify([...rig.book.rows.values()]));
  return parts.join('\n');
}
function expectNoValue(): void {
  const all = trail();
  for (const value of [SSN, MAIL]) expect(all.includes(value)).toBe(false);
}
const restored = (): unknown =>
  rig.recorder.controls('value.restored').map(({ event }) => [event.subject, ...event.attributes.map(({ value }) => value)]);

describe('values given back through the gateway', () => {
  it('in a stream of the Anthropic SDK; the next turn is what the model wrote, thinking and all', async () => {
    await start();
    const thinking =
      sse('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }) +
      sse('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: `About ${HELD}.` } }) +
      sse('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'c2lnbmVk' } }) +
      sse('content_block_stop', { index: 0 });
    const input = JSON.stringify({ to: MAIL_HELD, ssn: HELD });
    rig.upstream.answer = ({ response }) =>
      answerStream(
        response,
        MESSAGE_START +
          thinking +
          textBlock(['I look up ', HELD.slice(0, 9), `${HELD.slice(9)} for you, and not 219-09-9999.`], 1) +
          toolBlock('lookup', [input.slice(0, 20), input.slice(20)], 2) +
          MESSAGE_END,
      );
    const first = await sdk()
      .messages.stream(ask([{ role: 'user', content: ASKED }]))
      .finalMessage();
    expect(first.content).toMatchObject([
      { type: 'thinking', thinking: `About ${HELD}.`, signature: 'c2lnbmVk' },
      { type: 'text', text: `I look up ${SSN} for you, and not ${placeholder('us_ssn', '219-09-9999')}.` },
      { type: 'tool_use', input: { to: MAIL, ssn: SSN } },
    ]);
    const answered = rig.textOf(rig.recorder.of('response')[0]!.event.body);
    expect(answered).toContain(HELD.slice(9));
    expectNoValue();
    expect(restored()).toEqual([
      ['us_ssn', 'customer-data', 'text', '1'],
      ['email', 'customer-data', 'tool_input', '1'],
      ['us_ssn', 'customer-data', 'tool_input', '1'],
    ]);

    const result = { type: 'tool_result' as const, tool_use_id: 'toolu_01A09q90qw90lq917835lq9', content: `found ${SSN}` };
    await sdk()
      .messages.stream(
        ask([
          { role: 'user', content: ASKED },
          { role: 'assistant', content: first.content as Anthropic.ContentBlockParam[] },
          { role: 'user', content: [result] },
        ]),
      )
      .finalMessage();
    const [one, two] = rig.upstream.heard.map(({ body }) => (JSON.parse(body) as { messages: { content: unknown }[] }).messages);
    expect(two![0]).toEqual(one![0]);
    expect(two![1]!.content).toMatchObject([
      { thinking: `About ${HELD}.`, signature: 'c2lnbmVk' },
      { text: `I look up ${HELD} for you, and not ${placeholder('us_ssn', '219-09-9999')}.` },
      { input: { to: MAIL_HELD, ssn: HELD } },
    ]);
    expect(two![2]!.content).toMatchObject([{ content: `found ${HELD}` }]);
    expectNoValue();
  });

  it('in an answer that is not streamed, of both protocols', async () => {
    await start();
    const said = `It is ${HELD}.`;
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_reason: 'end_turn', usage: {} };
    rig.upstream.answer = ({ response }) =>
      answerJson(response, 200, JSON.stringify({ ...message, content: [{ type: 'text', text: said }] }));
    const answer = await sdk().messages.create(ask([{ role: 'user', content: ASKED }]));
    expect(answer.content[0]).toMatchObject({ text: `It is ${SSN}.` });
    rig.upstream.answer = ({ response }) =>
      answerJson(
        response,
        200,
        JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: said } }] }),
      );
    const chat = await rig.post({ model: 'm', messages: [{ role: 'user', content: ASKED }] }, { path: '/c/gpt/v1/chat/completions' });
    expect(chat.body).toContain(`It is ${SSN}.`);
    expectNoValue();
  });

  it('in streams of both OpenAI APIs, at all places', async () => {
    await start();
    rig.upstream.answer = ({ response }) =>
      answerStream(
        response,
        new ResponsesEvents()
          .message(['It is ', HELD, '.'])
          .call('f', [JSON.stringify({ ssn: HELD })])
          .end(),
      );
    const responses = await rig.post({ model: 'm', input: ASKED, store: false, stream: true }, { path: '/c/gpt/v1/responses' });
    expect(responses.body).not.toContain(HELD);
    expect(responses.body.split(`It is ${SSN}.`)).toHaveLength(5);
    rig.upstream.answer = ({ response }) => answerStream(response, chatText(['It is ', HELD, '.']) + USAGE + DONE);
    const chat = await rig.post(
      { model: 'm', messages: [{ role: 'user', content: ASKED }], stream: true },
      { path: '/c/gpt/v1/chat/completions' },
    );
    expect(chat.body).toContain(SSN);
    expect(chat.body).not.toContain(HELD);
    expectNoValue();
  });

  it('after an approval that was asked about the placeholder, because of the value', async () => {
    await start();
    rig.upstream.answer = ({ response }) =>
      answerStream(response, MESSAGE_START + toolBlock('mail', [JSON.stringify({ ssn: HELD })]) + MESSAGE_END);
    const final = sdk()
      .messages.stream(ask([{ role: 'user', content: ASKED }]))
      .finalMessage();
    const row = await rig.book.row();
    expect(row.summary).toBe(JSON.stringify({ ssn: HELD }));
    await rig.book.vote(row.id, 'approve');
    expect((await final).content.at(-1)).toMatchObject({ type: 'tool_use', input: { ssn: SSN } });
    expectNoValue();
    expect(restored()).toEqual([['us_ssn', 'customer-data', 'tool_input', '1']]);
  });

  it('to nobody who did not send them', async () => {
    await start();
    rig.upstream.answer = ({ response }) => answerStream(response, MESSAGE_START + textBlock([`It is ${HELD}.`]) + MESSAGE_END);
    const text = async (content: string): Promise<unknown> =>
      (
        await sdk()
          .messages.stream(ask([{ role: 'user', content }]))
          .finalMessage()
      ).content[0];
    expect(await text(ASKED)).toMatchObject({ text: `It is ${SSN}.` });
    expect(await text(`Say ${HELD}`)).toMatchObject({ text: `It is ${HELD}.` });
  });
});
