import { describe, expect, it } from 'vitest';
import { AnthropicProtocol } from './anthropic/index.js';
import { MESSAGE_END, MESSAGE_START, textBlock, toolBlock } from './anthropic/testing/streams.js';
import { OpenaiProtocol } from './openai/index.js';
import { chatText, DONE, ResponsesEvents } from './openai/testing/streams.js';
import type { Leak, Protocol } from './protocol.js';
import { ENTITIES } from './shared/testing/entities.js';
import { feed } from './shared/testing/feed.js';
import { testContext, type TestPolicy } from './shared/testing/policies.js';

/** A value that lies across two texts of an answer is reported the same, whether the answer comes as a stream or as one document. */
const anthropic = new AnthropicProtocol();
const openai = new OpenaiProtocol();
const TOOL = 'a tool is called in between';

function leaksOf(protocol: Protocol, body: string, contentType: string, options: TestPolicy = {}): readonly Leak[] {
  const screener = protocol.screenResponse(testContext({ toolInput: 'off', ...options }), { status: 200, contentType });
  feed(screener, [Buffer.from(body)]);
  return screener.facts().leaks ?? [];
}

interface Kind {
  readonly name: string;
  readonly protocol: Protocol;
  readonly stream: (texts: readonly string[]) => string;
  readonly document: (texts: readonly string[]) => string;
}

const KINDS: readonly Kind[] = [
  {
    name: 'messages',
    protocol: anthropic,
    stream: (texts) =>
      MESSAGE_START + texts.map((text, at) => (text === TOOL ? toolBlock('t', ['{}'], at) : textBlock([text], at))).join('') + MESSAGE_END,
    document: (texts) =>
      JSON.stringify({
        type: 'message',
        role: 'assistant',
        content: texts.map((text) => (text === TOOL ? { type: 'tool_use', id: 't', name: 't', input: {} } : { type: 'text', text })),
        usage: {},
      }),
  },
  {
    name: 'responses',
    protocol: openai,
    stream: (texts) =>
      texts.reduce((events, text) => (text === TOOL ? events.call('t', ['{}']) : events.message([text])), new ResponsesEvents()).end(),
    document: (texts) =>
      JSON.stringify({
        ...new ResponsesEvents().response('completed'),
        output: texts.map((text, at) =>
          text === TOOL
            ? { type: 'function_call', id: `fc_${at}`, call_id: 'c', name: 't', arguments: '{}' }
            : { type: 'message', id: `msg_${at}`, role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] },
        ),
      }),
  },
];

describe.each(KINDS)('$name', ({ protocol, stream, document }) => {
  const both = (texts: readonly string[], options: TestPolicy = {}): readonly Leak[] => {
    const streamed = leaksOf(protocol, stream(texts), 'text/event-stream', options);
    expect(leaksOf(protocol, document(texts), 'application/json', options), JSON.stringify(texts)).toEqual(streamed);
    return streamed;
  };

  it.each(ENTITIES)('$name, cut in two texts at every place of the value', ({ text, value }) => {
    const from = text.indexOf(value);
    let reported = 0;
    const step = value.length > 100 ? 11 : 1;
    for (let cut = from + 1; cut < from + value.length; cut += step) reported += both([text.slice(0, cut), text.slice(cut)]).length;
    // Where each part is a value of its own (a host's name without the rest), both parts are masked and nothing is reported.
    expect(reported).toBeGreaterThan(0);
  });

  it('with a call of a tool between, with long texts around, over three texts', () => {
    const leak = { entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 1 };
    expect(both(['SSN 219-09', TOOL, '-9999.'])).toEqual([leak]);
    expect(both([`${'x '.repeat(40_000)}SSN 219-`, `09-9999${' y'.repeat(40_000)}`])).toEqual([leak]);
    expect(both(['SSN 219-', '09-9999 and 536-90', '-4399'])).toEqual([{ ...leak, count: 2 }]);
    expect(both(['caf\u00e9 "219-', '09-9999" \u{1f600}'])).toEqual([leak]);
  });

  it('and nothing of values on one side, that policy allows, or without a policy for values', () => {
    expect(both(['SSN 219-09-9999 ', ' and so on'])).toEqual([]);
    expect(both(['SSN 219-', '09-9999'], { response: 'allow' })).toEqual([]);
    expect(both(['SSN 219-', '09-9999'], { detector: null })).toEqual([]);
    expect(both([])).toEqual([]);
  });
});

describe('choices of a completion', () => {
  it('are alternatives, streamed or whole', () => {
    const stream = chatText(['SSN 219-'], 0) + chatText(['09-9999'], 1) + DONE;
    const choices = ['SSN 219-', '09-9999'].map((content, index) => ({
      index,
      message: { role: 'assistant', content },
      finish_reason: 'stop',
    }));
    expect(leaksOf(openai, stream, 'text/event-stream')).toEqual([]);
    expect(leaksOf(openai, JSON.stringify({ object: 'chat.completion', choices }), 'application/json')).toEqual([]);
  });
});
