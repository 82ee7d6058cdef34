import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import { AffiantError } from '#errors';
import { failingDetector } from '../shared/testing/failing-detector.js';
import { feed, type Run } from '../shared/testing/feed.js';
import { ALL_TYPES, testContext, testPlaceholder } from '../shared/testing/policies.js';
import { AnthropicProtocol } from './anthropic-protocol.js';
import { assembled, MESSAGE_END, MESSAGE_START, sse, textBlock, toolBlock } from './testing/streams.js';
import { inOnePiece } from '../shared/testing/in-one-piece.js';

/** What other gateways let through or break once a response is streamed, as their users reported it; each is tried here. */
const protocol = new AnthropicProtocol();
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);
const SSE = { status: 200, contentType: 'text/event-stream' };
const SSN = '219-09-9999';
const stream = (pieces: readonly string[]): Buffer => Buffer.from(MESSAGE_START + textBlock(pieces) + MESSAGE_END);
const events = (bytes: Buffer): Buffer[] =>
  bytes
    .toString()
    .split(/(?<=\n\n)/)
    .map((event) => Buffer.from(event));
const textOf = (released: Buffer): string => assembled(released).get('0 text') ?? '';

describe('reported of others', () => {
  it('LiteLLM #41611, ngrok sse-find-replace: a value split over two events passes', () => {
    const { released } = feed(protocol.screenResponse(testContext(), SSE), events(stream(['SSN 219-0', '9-9999.'])));
    expect(textOf(released)).toBe(mask(`SSN ${SSN}.`));
  });

  it('LiteLLM #30728: an error of the detector lets everything pass', () => {
    const failing = failingDetector();
    const screener = protocol.screenResponse(testContext({ detector: failing }), SSE);
    let released = '';
    expect(() => {
      for (const event of events(stream(['SSN ', SSN]))) released += Buffer.concat(screener.push(event).release).toString();
    }).toThrowError(expect.objectContaining({ code: 'detector_failed' }));
    expect(released).not.toContain('219');
    const request = Buffer.from(JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: SSN }] }));
    const route = protocol.route('POST', '/v1/messages')!;
    return expect(protocol.screenRequest(request, route, testContext({ detector: failing }))).rejects.toMatchObject({
      code: 'detector_failed',
    });
  });

  it('LiteLLM PR #31503, Kong: the whole stream is kept back before the first word goes out', () => {
    const screener = protocol.screenResponse(testContext(), SSE);
    const out = events(stream(['Hello ', 'there, ', 'how are you ', 'today?'])).map((event) => Buffer.concat(screener.push(event).release));
    expect(out.findIndex((bytes) => bytes.includes('Hello'))).toBeLessThanOrEqual(3);
  });

  it('LiteLLM #30728: nobody is told; here the caller is, in the format of the API, before and inside a stream', () => {
    const error = new AffiantError('detector_failed', 'A detector failed on this text.');
    const before = protocol.refusal(error, 'req_1');
    expect(before.status).toBeGreaterThanOrEqual(400);
    const told = { type: 'error', error: { message: expect.stringContaining('A detector failed on this text.') as string } };
    expect(JSON.parse(before.body.toString())).toMatchObject(told);
    const inside = protocol.streamRefusal(error, 'req_1').toString();
    expect(inside).toMatch(/^event: error\ndata: /);
    expect(inside).toContain('A detector failed on this text.');
  });

  it('LiteLLM #30728: a stream whose bytes come in any pieces is not looked at', () => {
    const bytes = stream(['\u{1f600} SSN ', SSN, ' \u00e9']);
    for (const size of [1, 5, 64]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, at * size + size));
      expect(textOf(feed(protocol.screenResponse(testContext(), SSE), pieces).released)).toBe(mask(`\u{1f600} SSN ${SSN} \u00e9`));
    }
  });

  it('LiteLLM PR #20027, #20385: chunks are blanked or lost, or one of another shape breaks it', () => {
    const words = Array.from({ length: 60 }, (_, index) => `word${index} `);
    const strange = sse('telepathy', { index: 0, delta: { type: 'thought_delta', deep: [SSN] } }) + ': a comment\n\n';
    const all = events(stream(words));
    const { released } = feed(protocol.screenResponse(testContext(), SSE), [
      ...all.slice(0, 5),
      ...events(Buffer.from(strange)),
      ...all.slice(5),
    ]);
    expect(textOf(released)).toBe(words.join(''));
    expect(released.toString()).not.toContain(SSN);
  });

  it('agentgateway #2956, #3603, LiteLLM PR #39233: masks whole responses only, or drops or refuses the stream', () => {
    const whole = JSON.stringify({ type: 'message', role: 'assistant', content: [{ type: 'text', text: `SSN ${SSN}` }], usage: {} });
    const json = feed(protocol.screenResponse(testContext(), { status: 200, contentType: 'application/json' }), [Buffer.from(whole)]);
    const streamed = feed(protocol.screenResponse(testContext(), SSE), events(stream(['SSN ', SSN])));
    expect(json.released.toString()).toBe(whole.replace(SSN, mask(SSN)));
    expect(textOf(streamed.released)).toBe(mask(`SSN ${SSN}`));
    expect(streamed.released.toString()).toContain('message_stop');
  });

  it('agentgateway #2955: results of tools are not looked at', async () => {
    const body = {
      model: 'm',
      max_tokens: 1,
      messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: SSN }] }] }],
    };
    const screened = await inOnePiece(
      protocol.screenRequest(Buffer.from(JSON.stringify(body)), protocol.route('POST', '/v1/messages')!, testContext()),
    );
    expect(screened.masked.toString()).toBe(JSON.stringify(body).replace(SSN, mask(SSN)));
  });

  it('agentgateway #1607: a mask is silently not applied; here it is, and is counted', () => {
    const screener = protocol.screenResponse(testContext(), SSE);
    expect(feed(screener, events(stream(['a ', SSN, ' b ', SSN]))).released.toString()).not.toContain('9999');
    expect(screener.facts().masks).toMatchObject([{ entity: 'us_ssn', count: 2 }]);
  });

  it('NeMo Guardrails #588: a window is judged and not rewritten; a value on a window’s border is lost', () => {
    for (const before of [1, 127, 128, 129, 255, 256, 4095, 4096, 8191]) {
      const text = `${'x '.repeat(before / 2)}${SSN} end`;
      const pieces = Array.from({ length: Math.ceil(text.length / 64) }, (_, index) => text.slice(index * 64, index * 64 + 64));
      expect(textOf(feed(protocol.screenResponse(testContext(), SSE), events(stream(pieces))).released)).toBe(mask(text));
    }
  });

  it('hoop: what asks for people is relayed, and never waits for them', () => {
    const asks = (grant: boolean): Run =>
      feed(protocol.screenResponse(testContext({ response: 'hold' }), SSE), events(stream(['SSN ', SSN])), grant);
    const stops = asks(false);
    expect(stops.held).toHaveLength(1);
    expect(stops.blocked).not.toBeNull();
    expect(stops.released.toString()).not.toContain(SSN);
    const goesOn = asks(true);
    expect(textOf(goesOn.released)).toBe(`SSN ${SSN}`);
    expect(goesOn.recorded.toString()).not.toContain(SSN);
  });

  it('a value over two blocks: what cannot be called back is said', () => {
    const bytes = MESSAGE_START + textBlock(['SSN 219-', '09'], 0) + toolBlock('t', ['{}'], 1) + textBlock(['-99', '99.'], 2) + MESSAGE_END;
    const screener = protocol.screenResponse(testContext({ toolInput: 'off' }), SSE);
    feed(screener, events(Buffer.from(bytes)));
    expect(screener.facts().leaks).toEqual([{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 1 }]);
    const clean = protocol.screenResponse(testContext(), SSE);
    feed(clean, events(stream(['SSN 219-', '09-9999'])));
    expect(clean.facts().leaks).toBeUndefined();
  });
});
