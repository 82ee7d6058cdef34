import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import { AffiantError } from '#errors';
import { feed } from '../shared/testing/feed.js';
import { failingDetector } from '../shared/testing/failing-detector.js';
import { ALL_TYPES, testContext, testPlaceholder } from '../shared/testing/policies.js';
import { OpenaiProtocol } from './openai-protocol.js';
import { chatText, chunk, deltasOf, DONE, ResponsesEvents, USAGE } from './testing/streams.js';
import { inOnePiece } from '../shared/testing/in-one-piece.js';

/** What other gateways let through or break once a response is streamed, as their users reported it; each is tried here, on both APIs. */
const protocol = new OpenaiProtocol();
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);
const SSE = { status: 200, contentType: 'text/event-stream' };
const JSON_HEAD = { status: 200, contentType: 'application/json' };
const SSN = '219-09-9999';
const events = (stream: string): Buffer[] => stream.split(/(?<=\n\n)/).map((event) => Buffer.from(event));
const open = (options = {}): ReturnType<typeof protocol.screenResponse> => protocol.screenResponse(testContext(options), SSE);

const APIS = [
  {
    name: 'responses',
    stream: (pieces: readonly string[]): string => new ResponsesEvents().message(pieces).end(),
    textOf: (released: Buffer): string => deltasOf(released).get('0 output_text') ?? '',
    last: 'response.completed',
    document: (text: string): string =>
      JSON.stringify({ object: 'response', output: [{ type: 'message', content: [{ type: 'output_text', text }] }], usage: null }),
    path: '/v1/responses',
    asks: (text: string): object => ({ model: 'm', input: text, store: false }),
    tools: (text: string): object => ({ model: 'm', store: false, input: [{ type: 'function_call_output', call_id: 'c', output: text }] }),
  },
  {
    name: 'chat completions',
    stream: (pieces: readonly string[]): string => chatText(pieces) + USAGE + DONE,
    textOf: (released: Buffer): string => deltasOf(released).get('0 content') ?? '',
    last: '[DONE]',
    document: (text: string): string =>
      JSON.stringify({
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      }),
    path: '/v1/chat/completions',
    asks: (text: string): object => ({ model: 'm', messages: [{ role: 'user', content: text }] }),
    tools: (text: string): object => ({ model: 'm', messages: [{ role: 'tool', tool_call_id: 'c', content: text }] }),
  },
] as const;

describe.each(APIS)('reported of others, $name', ({ stream, textOf, last, document, path, asks, tools }) => {
  const route = protocol.route('POST', path)!;

  it('LiteLLM #41611, ngrok sse-find-replace: a value split over two events passes', () => {
    for (let cut = 1; cut < SSN.length; cut++) {
      const { released } = feed(open(), events(stream([`SSN ${SSN.slice(0, cut)}`, `${SSN.slice(cut)}.`])));
      expect(textOf(released)).toBe(mask(`SSN ${SSN}.`));
      expect(released.toString()).not.toContain(SSN);
    }
  });

  it('LiteLLM #30728: an error of the detector lets everything pass', async () => {
    const screener = open({ detector: failingDetector() });
    let released = '';
    expect(() => {
      for (const event of events(stream(['SSN ', SSN]))) released += Buffer.concat(screener.push(event).release).toString();
    }).toThrowError(expect.objectContaining({ code: 'detector_failed' }));
    expect(released).not.toContain('219');
    const whole = protocol.screenResponse(testContext({ detector: failingDetector() }), JSON_HEAD);
    expect(() => feed(whole, [Buffer.from(document(SSN))])).toThrowError(expect.objectContaining({ code: 'detector_failed' }));
    await expect(
      protocol.screenRequest(Buffer.from(JSON.stringify(asks(SSN))), route, testContext({ detector: failingDetector() })),
    ).rejects.toMatchObject({ code: 'detector_failed' });
  });

  it('LiteLLM #30728: nobody is told; here the caller is, in the format of the API, before and inside a stream', () => {
    const error = new AffiantError('detector_failed', 'A detector failed on this text.');
    const before = protocol.refusal(error, 'req_1');
    expect(before.status).toBeGreaterThanOrEqual(400);
    const told = { error: { code: 'detector_failed', message: expect.stringContaining('A detector failed on this text.') as string } };
    expect(JSON.parse(before.body.toString())).toMatchObject(told);
    expect(protocol.streamRefusal(error).toString()).toContain('A detector failed on this text.');
  });

  it('LiteLLM #30728: the input, and a stream whose bytes come in any pieces, are not looked at', async () => {
    const body = JSON.stringify(asks(`caf\u00e9 ${SSN}`));
    const screened = await inOnePiece(protocol.screenRequest(Buffer.from(body), route, testContext()));
    expect(screened.masked.toString()).toBe(body.replace(SSN, mask(SSN)));
    const bytes = Buffer.from(stream(['\u{1f600} SSN ', SSN, ' \u00e9']));
    for (const size of [1, 5, 64]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, at * size + size));
      expect(textOf(feed(open(), pieces).released)).toBe(mask(`\u{1f600} SSN ${SSN} \u00e9`));
    }
  });

  it('LiteLLM PR #31503, Kong: the whole stream is kept back before the first word goes out', () => {
    const screener = open();
    const out = events(stream(['Hello ', 'there, ', 'how are you ', 'today?'])).map((event) => Buffer.concat(screener.push(event).release));
    const first = out.findIndex((bytes) => bytes.includes('Hello'));
    expect(first).toBeGreaterThan(-1);
    expect(first).toBeLessThan(out.findIndex((bytes) => bytes.includes('today')));
  });

  it('LiteLLM PR #20027, #20385: chunks are blanked or lost, or one of another shape breaks it', () => {
    const words = Array.from({ length: 60 }, (_, index) => `word${index} `);
    const strange = `: a comment\n\n${chunk([{ index: 9, delta: { telepathy: { deep: [SSN] } } }], { extra: null })}data: {"choices":[]}\n\n`;
    const all = events(stream(words));
    const mixed = [...all.slice(0, 5), ...events(strange), ...all.slice(5)];
    const { released } = feed(open(), mixed);
    expect(textOf(released)).toBe(words.join(''));
    expect(released.toString()).not.toContain(SSN);
  });

  it('agentgateway #2956, #3603, LiteLLM PR #39233: masks whole responses only, or drops or refuses the stream', () => {
    const whole = document(`SSN ${SSN}`);
    const json = feed(protocol.screenResponse(testContext(), JSON_HEAD), [Buffer.from(whole)]);
    expect(json.released.toString()).toBe(whole.replace(SSN, mask(SSN)));
    const streamed = feed(open(), events(stream(['SSN ', SSN])));
    expect(textOf(streamed.released)).toBe(mask(`SSN ${SSN}`));
    expect(streamed.released.toString()).toContain(last);
  });

  it('agentgateway #2955: results of tools are not looked at', async () => {
    const body = JSON.stringify(tools(`rows: ${SSN}`));
    const screened = await inOnePiece(protocol.screenRequest(Buffer.from(body), route, testContext()));
    expect(screened.masked.toString()).toBe(body.replace(SSN, mask(SSN)));
  });

  it('agentgateway #1607: a mask is silently not applied; here it is, and is counted', () => {
    const screener = open();
    expect(feed(screener, events(stream(['a ', SSN, ' b ', SSN]))).released.toString()).not.toContain('9999');
    expect(screener.facts().masks).toMatchObject([{ entity: 'us_ssn', count: 2 }]);
  });

  it('NeMo Guardrails #588: a window is judged and not rewritten; a value on a window’s border is lost', () => {
    for (const before of [1, 127, 128, 129, 255, 256, 4095, 4096, 8191]) {
      const text = `${'x '.repeat(before / 2)}${SSN} end`;
      const pieces = Array.from({ length: Math.ceil(text.length / 64) }, (_, index) => text.slice(index * 64, index * 64 + 64));
      expect(textOf(feed(open(), events(stream(pieces))).released)).toBe(mask(text));
    }
  });

  it('hoop: what asks for people is relayed, and never waits for them', () => {
    const stops = feed(open({ response: 'hold' }), events(stream(['SSN ', SSN])), false);
    expect(stops.held).toHaveLength(1);
    expect(stops.blocked).not.toBeNull();
    expect(stops.released.toString()).not.toContain(SSN);
    const goesOn = feed(open({ response: 'hold' }), events(stream(['SSN ', SSN])), true);
    expect(textOf(goesOn.released)).toBe(`SSN ${SSN}`);
    expect(goesOn.recorded.toString()).not.toContain(SSN);
  });
});
