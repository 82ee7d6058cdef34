import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import type { AffiantError } from '#errors';
import { eachByte, feed, type Run } from '../../shared/testing/feed.js';
import { ALL_TYPES, testContext, testPlaceholder, type TestPolicy } from '../../shared/testing/policies.js';
import { OpenaiProtocol } from '../openai-protocol.js';
import { ResponsesEvents } from '../testing/streams.js';

const SSN = '219-09-9999';
const CARD = '4111 1111 1111 1111';
const DROP = '{"sql":"drop table users"}';
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);
const screen = (
  body: string | Buffer,
  options: TestPolicy = {},
  status = 200,
  grant = true,
): Run & { facts: ReturnType<typeof open.facts> } => {
  const screener = open(options, status);
  return { ...feed(screener, eachByte(Buffer.from(body)), grant), facts: screener.facts() };
};
const open = Object.assign(
  (options: TestPolicy, status: number) =>
    new OpenaiProtocol().screenResponse(testContext(options), { status, contentType: 'application/json' }),
  { facts: () => new OpenaiProtocol().screenResponse(testContext(), { status: 200, contentType: '' }).facts() },
);

const text = (words: string, more: object = {}): object => ({
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text: words, annotations: [], ...more }],
});
const call = (args: string): object => ({ type: 'function_call', name: 'sql', call_id: 'c', arguments: args });
const response = (...output: object[]): string => JSON.stringify({ ...new ResponsesEvents().response('completed'), output });
const completion = (...messages: object[]): string =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-test-1',
    choices: messages.map((message, index) => ({ index, message, logprobs: null, finish_reason: 'stop' })),
    usage: { prompt_tokens: 25, completion_tokens: 15, prompt_tokens_details: { cached_tokens: 7 } },
  });

describe('a whole answer', () => {
  it('with nothing to mask passes byte for byte', () => {
    const body = ` {"object":"response", "x_new" : [1.0, 2e3, "\\u00e9"],"output":[{"type":"message","content":[{"text":"hello","type":"output_text"}]}]}\n`;
    expect(screen(body, { toolInput: 'mask' }).released.toString()).toBe(body);
  });

  it('of either API is masked in place, every choice of it', () => {
    const both = screen(response(text(`a ${SSN}`), text(`b ${CARD}`)));
    expect(both.released.toString()).toBe(response(text(mask(`a ${SSN}`)), text(mask(`b ${CARD}`))));
    const chat = screen(completion({ role: 'assistant', content: `a ${SSN}` }, { role: 'assistant', content: null, refusal: `b ${CARD}` }));
    expect(chat.released.toString()).toBe(
      completion({ role: 'assistant', content: mask(`a ${SSN}`) }, { role: 'assistant', content: null, refusal: mask(`b ${CARD}`) }),
    );
    expect(chat.facts).toMatchObject({
      model: 'gpt-test-1',
      stopReason: 'stop',
      inputTokens: 25,
      outputTokens: 15,
      cacheReadTokens: 7,
      complete: true,
    });
    expect(both.facts.masks).toMatchObject([
      { entity: 'us_ssn', count: 1 },
      { entity: 'credit_card', count: 1 },
    ]);
  });

  it('masks the arguments of calls under their escapes, and leaves the JSON whole', () => {
    const args = `{"note":"${[...SSN].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}","n":1}`;
    const chat = completion({
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: args } }],
    });
    for (const body of [response(call(args)), chat]) {
      const { released, facts } = screen(body, { toolInput: 'mask' });
      const got = JSON.parse(released.toString()) as {
        output?: { arguments: string }[];
        choices?: { message: { tool_calls: { function: { arguments: string } }[] } }[];
      };
      const masked = got.output?.[0]?.arguments ?? got.choices?.[0]?.message.tool_calls[0]?.function.arguments ?? '';
      expect(JSON.parse(masked)).toEqual({ note: mask(SSN), n: 1 });
      expect(facts.toolCalls).toHaveLength(1);
    }
  });

  it('is held for a call, and given whole when it is granted', () => {
    const body = response(text('on it'), call(DROP));
    const granted = screen(body, { when: { toolInput: [/drop table/, 'hold'] } });
    expect(granted.held).toMatchObject([{ tool: 'sql', summary: DROP }]);
    expect(granted.released.toString()).toBe(body);
    const denied = screen(body, { when: { toolInput: [/drop table/, 'hold'] } }, 200, false);
    expect(denied.released.toString()).toBe('');
    expect(denied.blocked).not.toBeNull();
  });

  it('is refused for a value policy blocks, wherever it stands', () => {
    for (const item of [
      text(`card ${CARD}`),
      { type: 'file_search_call', results: [{ text: `card ${CARD}` }] },
      { type: 'mcp_call', name: 'm', arguments: '{}', output: `card ${CARD}` },
    ]) {
      const { released, blocked } = screen(response(item), { response: 'block' });
      expect(blocked).toMatchObject({ action: 'block' });
      expect(released.toString()).not.toContain('4111');
    }
  });

  it('gives the trail placeholders for values that only the client may have', () => {
    const { released, recorded } = screen(response(call(JSON.stringify({ card: CARD }))), { toolInput: 'allow' });
    expect(released.toString()).toContain(CARD);
    expect(recorded.toString()).not.toContain('4111');
  });

  it('leaves no value in log probabilities, and moves offsets', () => {
    const words = `${SSN} is here`;
    const note = { type: 'url_citation', start_index: 12, end_index: 14, url: 'https://example.com', title: 't' };
    const { released } = screen(response(text(words, { annotations: [note], logprobs: [{ token: '219', logprob: -1 }] })));
    const [part] = (
      JSON.parse(released.toString()) as { output: [{ content: [{ text: string; logprobs: unknown; annotations: [typeof note] }] }] }
    ).output[0].content;
    expect(part.logprobs).toEqual([]);
    expect(part.text.slice(part.annotations[0].start_index, part.annotations[0].end_index)).toBe('is');
  });

  it('masks an error in words or HTML, and passes its form', () => {
    const error = JSON.stringify({ error: { message: `bad key for ${SSN}`, type: 'invalid_request_error', param: null, code: 'bad' } });
    const { released, facts } = screen(error, {}, 400);
    expect(released.toString()).toBe(mask(error));
    expect(facts.upstreamError).toEqual({ type: 'bad', message: mask(`bad key for ${SSN}`) });
    expect(screen(`<html>${SSN}</html>`, {}, 502).released.toString()).toBe(`<html>${mask(SSN)}</html>`);
  });

  it.each([
    ['no JSON', 'oops'],
    ['a key twice', '{"output":[],"output":[{"text":"x"}]}'],
    ['half of it', response(text('hello')).slice(0, -9)],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['speech', completion({ role: 'assistant', content: null, audio: { data: 'AAAA', transcript: 'hello' } })],
  ])('is refused when it is %s', (_name, body) => {
    let code = '';
    try {
      screen(body);
    } catch (error) {
      ({ code } = error as AffiantError);
    }
    expect(code).toBe('stream_invalid');
  });
});
