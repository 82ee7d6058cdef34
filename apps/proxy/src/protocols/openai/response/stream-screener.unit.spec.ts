import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import type { AffiantError } from '#errors';
import { eachByte, feed, type Run } from '../../shared/testing/feed.js';
import { ALL_TYPES, testContext, testPlaceholder, type TestPolicy } from '../../shared/testing/policies.js';
import { OpenaiProtocol } from '../openai-protocol.js';
import { chatCall, chatText, chunk, deltasOf, DONE, eventsOf, ResponsesEvents, USAGE, wholesOf } from '../testing/streams.js';

const SSN = '219-09-9999';
const CARD = '4111 1111 1111 1111';
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);
const open = (options: TestPolicy = {}) =>
  new OpenaiProtocol().screenResponse(testContext(options), { status: 200, contentType: 'text/event-stream; charset=utf-8' });
/** Each event in a chunk of its own. */
const events = (stream: string): Buffer[] => stream.split(/(?<=\n\n)/).map((event) => Buffer.from(event));
const run = (stream: string, options: TestPolicy = {}, grant = true): Run => feed(open(options), events(stream), grant);
const cut = (text: string, size: number): string[] => text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];

const DROP = '{"sql":"drop table users"}';
const holdDrop: TestPolicy = { when: { toolInput: [/drop table/, 'hold'] } };

describe('a stream with nothing to mask', () => {
  const responses = new ResponsesEvents({ 'x-future': { a: [1.0, 'é'] } })
    .reasoning(cut('Thinking about it, step by step.', 5), 'gAAAAABencrypted219-09-9999==')
    .message(cut('All is well, and nothing was found in the ledger.', 6))
    .raw(': a comment\r\n\r\n')
    .call('lookup', cut('{"q":"weather"}', 4))
    .end();
  const chat = ': hello\n\n' + chatText(cut('All is well, and nothing was found.', 6)) + USAGE + DONE;

  it.each([
    ['responses', responses],
    ['chat', chat],
  ])('%s: bytes as they came, whatever the chunks', (_name, stream) => {
    for (const policy of [{}, { toolInput: 'mask' }, { detector: null }] satisfies TestPolicy[]) {
      expect(feed(open(policy), [Buffer.from(stream)]).released.toString()).toBe(stream);
    }
    expect(feed(open({ detector: null }), eachByte(Buffer.from(stream))).released.toString()).toBe(stream);
  });

  it.each([
    ['responses', responses, 'response.completed'],
    ['chat', chat, '"finish_reason":"stop"'],
  ])('%s: the last event waits for end()', (_name, stream, last) => {
    const { beforeEnd, released } = run(stream);
    expect(beforeEnd.toString()).not.toContain(last);
    expect(released.toString()).toContain(last);
  });

  it('tells the record what there is to tell', () => {
    const screener = open();
    feed(screener, events(responses));
    expect(screener.facts()).toMatchObject({
      model: 'gpt-test-1',
      stopReason: 'completed',
      inputTokens: 25,
      outputTokens: 15,
      cacheReadTokens: 7,
      toolCalls: ['lookup'],
      masks: [],
      complete: true,
      upstreamError: null,
    });
    const other = open();
    feed(other, events(chat));
    expect(other.facts()).toMatchObject({ model: 'gpt-test-1', stopReason: 'stop', inputTokens: 25, outputTokens: 15, complete: true });
  });
});

describe('a masked stream', () => {
  const text = `Her number is ${SSN}, card ${CARD}. 😀 See the page.`;

  it('says the same at all places, and counts each value once', () => {
    const screener = open();
    const { released, recorded } = feed(screener, events(new ResponsesEvents().message(cut(text, 3)).end()));
    expect(recorded.equals(released)).toBe(true);
    expect([...deltasOf(released).values()]).toEqual([mask(text)]);
    expect(wholesOf(eventsOf(released)).filter((whole) => whole.includes('number'))).toEqual(Array.from({ length: 4 }, () => mask(text)));
    expect(screener.facts().masks).toMatchObject([
      { entity: 'us_ssn', count: 1 },
      { entity: 'credit_card', count: 1 },
    ]);
  });

  it('is numbered without a gap or a number used twice', () => {
    for (const size of [1, 2, 4, 9, 30]) {
      const { released } = run(new ResponsesEvents().message(cut(text, size)).call('f', cut(DROP, size)).end());
      const numbers = eventsOf(released).map((event) => (event as { sequence_number: number }).sequence_number);
      expect(numbers).toEqual(numbers.map((_, i) => i));
    }
  });

  it('leaves no value in log probabilities', () => {
    const { released } = run(new ResponsesEvents().message(cut(text, 5), { logprobs: true }).end());
    expect(released.toString()).not.toContain('"token"');
    expect(released.toString()).toContain('"logprobs":[]');
    const tokens = {
      content: [{ token: '219', bytes: [50, 49, 57], logprob: -1, top_logprobs: [{ token: '219', bytes: null, logprob: -1 }] }],
      refusal: null,
    };
    const chat = chunk([{ index: 0, delta: { content: '219' }, logprobs: tokens, finish_reason: null }]) + chatText(['-09-9999']) + DONE;
    expect(run(chat).released.toString()).not.toContain('"token"');
    expect(run(chat, { detector: null }).released.toString()).toBe(chat);
  });

  it('moves the offsets of annotations with the text', () => {
    const link = text.indexOf('page') - 1;
    const annotation = {
      type: 'url_citation',
      url: `https://example.com/?ssn=${SSN}`,
      title: `about ${SSN}`,
      start_index: link,
      end_index: link + 4,
    };
    expect([...text].slice(link, link + 4).join('')).toBe('page');
    const { released } = run(new ResponsesEvents().message(cut(text, 4), { annotations: [annotation] }).end());
    expect(released.toString()).not.toContain(SSN);
    const found: { start_index: number; end_index: number }[] = [];
    JSON.stringify(eventsOf(released), (_key, value: unknown) => {
      if (typeof value === 'object' && value !== null && 'start_index' in value) found.push(value as (typeof found)[number]);
      return value;
    });
    expect(found).toHaveLength(4);
    for (const { start_index, end_index } of found) expect([...mask(text)].slice(start_index, end_index).join('')).toBe('page');
  });

  it('keeps choices apart that come side by side', () => {
    const half = (index: number, content: string, finish: string | null = null): string =>
      chunk([{ index, delta: finish === null ? { content } : {}, logprobs: null, finish_reason: finish }]);
    const both = chunk([
      { index: 0, delta: { content: '9999.' }, finish_reason: null },
      { index: 1, delta: { content: '1111.' }, finish_reason: 'stop' },
    ]);
    const stream =
      half(0, 'a 219-') + half(1, 'b 4111 1111 ') + half(0, '09-') + half(1, '1111 ') + both + half(0, '', 'stop') + USAGE + DONE;
    const { released, beforeEnd } = run(stream);
    expect([...deltasOf(released).entries()]).toEqual([
      ['0 content', mask(`a ${SSN}.`)],
      ['1 content', mask(`b ${CARD}.`)],
    ]);
    expect(beforeEnd.toString()).not.toContain('"finish_reason":"stop"}],"usage":null}\n\ndata: [DONE]');
    expect(released.toString().endsWith(USAGE + DONE)).toBe(true);
  });

  it('never touches what only the provider can read', () => {
    const secret = `gAAAAAB${SSN}==`;
    const { released } = run(
      new ResponsesEvents()
        .reasoning([`I saw ${SSN}`, ' there.'], secret)
        .message([text])
        .end(),
    );
    const kept = released.toString().split(secret).length - 1;
    expect(kept).toBe(3);
    expect(released.toString().replaceAll(secret, '')).not.toContain(SSN);
  });

  it('masks a whole place that says something else than the deltas did', () => {
    const sly = new ResponsesEvents().message(['nothing here']).end('response.completed', {
      output: [{ type: 'message', content: [{ type: 'output_text', text: `hidden ${SSN}`, annotations: [] }] }],
    });
    const { released } = run(sly);
    expect(released.toString()).not.toContain(SSN);
    expect(released.toString()).toContain(mask(`hidden ${SSN}`));
  });

  it('goes on with a stream that needs no end marker', () => {
    const screener = open();
    const { released } = feed(screener, events(chatText(['it is ', SSN])));
    expect(deltasOf(released).get('0 content')).toBe(mask(`it is ${SSN}`));
    expect(screener.facts().complete).toBe(true);
  });
});

describe('calls of tools', () => {
  it.each([
    ['responses', new ResponsesEvents().message(['On it.']).call('sql', cut(DROP, 5)).end()],
    [
      'chat',
      chatText(['On it.']).replace(/data: [^\n]*"finish_reason":"stop"[^\n]*\n\n/, '') + chatCall('sql', cut(DROP, 5)) + USAGE + DONE,
    ],
  ])('%s: waits whole until people grant it, name and all', (_name, stream) => {
    const screener = open(holdDrop);
    let out = '';
    let asked: string | undefined;
    for (const chunkOf of events(stream)) {
      const step = screener.push(chunkOf);
      out += step.release.join('');
      asked = step.held?.summary ?? asked;
    }
    expect(asked).toBe(DROP);
    expect(out).toContain('On ');
    expect(out).not.toContain('"sql"');
    expect(screener.end().release).toEqual([]);
    out += screener.resolve(true).release.join('');
    out += screener.end().release.join('');
    expect(deltasOf(Buffer.from(out))).toEqual(deltasOf(Buffer.from(stream)));
    expect(wholesOf(eventsOf(Buffer.from(out)))).toEqual(wholesOf(eventsOf(Buffer.from(stream))));
    expect(screener.facts().toolCalls).toEqual(['sql']);
  });

  it('asks once for one call, and once more for a second one that is the same', () => {
    const stream = new ResponsesEvents().call('sql', [DROP]).call('sql', [DROP]).end();
    expect(run(stream, holdDrop).held).toHaveLength(2);
  });

  it.each(['hold', 'block'] as const)('%s: a refused one never shows', (action) => {
    const stream = new ResponsesEvents().call('sql', cut(DROP, 5)).end();
    const { released, blocked } = run(stream, { when: { toolInput: [/drop table/, action] } }, false);
    expect(blocked).toMatchObject({ action });
    expect(released.toString()).not.toContain('sql');
  });

  it('blocks a value in the arguments by default', () => {
    const stream = new ResponsesEvents().call('pay', cut(JSON.stringify({ card: CARD }), 5)).end();
    const { released, blocked } = run(stream);
    expect(blocked).toMatchObject({ action: 'block' });
    expect(released.toString()).not.toContain('4111');
  });

  it('gives the client what policy allows, and the trail a placeholder, at all places', () => {
    for (const stream of [
      new ResponsesEvents().call('pay', cut(JSON.stringify({ card: CARD }), 5)).end(),
      chatCall('pay', cut(JSON.stringify({ card: CARD }), 5)) + DONE,
    ]) {
      const { released, recorded } = run(stream, { toolInput: 'allow' });
      expect(released.toString()).toBe(stream);
      expect(recorded.toString()).not.toContain('4111 1111');
      expect(recorded.toString()).toContain('[CREDIT_CARD:');
    }
  });

  it('judges arguments of the whole place that the deltas did not show', () => {
    const sly = new ResponsesEvents().call('sql', ['{"sql":"select 1"}']).end('response.completed', {
      output: [{ type: 'function_call', name: 'sql', arguments: DROP, call_id: 'call_0' }],
    });
    const { released, blocked } = run(sly, { when: { toolInput: [/drop table/, 'block'] } });
    expect(blocked).toMatchObject({ action: 'block' });
    expect(released.toString()).not.toContain('drop table');
  });

  it('judges actions that are no text', () => {
    const action = { type: 'exec', command: ['sh', '-c', `echo ${SSN}; drop table users`] };
    const item = { id: 'ls_0', type: 'local_shell_call', status: 'completed', call_id: 'c', action };
    const stream = new ResponsesEvents().event('response.output_item.added', { output_index: 0, item }).done(item).end();
    expect(run(stream, { ...holdDrop, toolInput: 'mask' }).held).toMatchObject([{ tool: 'local_shell' }]);
    const masked = run(stream, { toolInput: 'mask' }).released.toString();
    expect(masked).not.toContain(SSN);
    expect(masked.split('[US_SSN:')).toHaveLength(4);
  });

  it('passes calls untouched when policy looks at none', () => {
    const stream = new ResponsesEvents().call('pay', cut(JSON.stringify({ card: CARD }), 5)).end();
    const screener = open({ toolInput: 'off' });
    expect(feed(screener, events(stream)).released.toString()).toBe(stream);
    expect(screener.facts().toolCalls).toEqual(['pay']);
  });
});

describe('text that is judged as a whole', () => {
  const stream = new ResponsesEvents().message(cut('the merger is on for monday', 6)).end();

  it('is held, and granted as it is', () => {
    const { released, held } = run(stream, { when: { responseText: [/merger/, 'hold'] } });
    expect(held).toMatchObject([{ tool: null, summary: 'the merger is on for monday' }]);
    expect(released.toString()).toBe(stream);
  });

  it('is hidden at every place', () => {
    const { released } = run(stream, { when: { responseText: [/merger/, 'mask'] } });
    expect(released.toString()).not.toContain('merger');
    expect(new Set(wholesOf(eventsOf(released)).filter((whole) => whole !== 'text')).size).toBe(1);
  });

  it('ends the answer when policy blocks a value in it', () => {
    const { released, blocked } = run(new ResponsesEvents().message(cut(`card ${CARD}`, 4)).end(), { response: 'block' });
    expect(blocked).toMatchObject({ action: 'block' });
    expect(released.toString()).not.toContain('4111');
  });

  it('lets a granted value through, but not into the trail', () => {
    const { released, recorded, held } = run(new ResponsesEvents().message(cut(`card ${CARD}.`, 4)).end(), { response: 'hold' });
    expect(held).toHaveLength(1);
    expect(released.toString().split(CARD)).toHaveLength(5);
    expect(recorded.toString()).not.toContain('1111 1111');
  });
});

describe('streams that go wrong', () => {
  const begun = new ResponsesEvents().event('response.output_item.added', {
    output_index: 0,
    item: { id: 'm', type: 'message', content: [] },
  });
  const half = begun.event('response.output_text.delta', {
    item_id: 'm',
    output_index: 0,
    content_index: 0,
    delta: 'her number is 219-09',
  }).soFar;

  it.each([
    [
      'an error event',
      `event: error\ndata: {"type":"error","code":"server_error","message":"it broke near ${SSN}","param":null,"sequence_number":9}\n\n`,
      'server_error',
    ],
    [
      'an error member',
      `data: {"error":{"message":"it broke near ${SSN}","type":"server_error","param":null,"code":null}}\n\n`,
      'server_error',
    ],
  ])('%s drops what is undecided and goes on as the last event', (_name, error, type) => {
    const screener = open();
    const { released, beforeEnd } = feed(screener, events(half + error));
    expect(beforeEnd.toString()).toContain('her number is');
    expect(released.toString()).not.toContain('219-09');
    expect(released.toString().endsWith(mask(error))).toBe(true);
    expect(screener.facts().upstreamError).toEqual({ type, message: mask(`it broke near ${SSN}`) });
  });

  it('a failed response is an error of the upstream', () => {
    const screener = open();
    feed(screener, events(new ResponsesEvents().end('response.failed', { error: { code: 'rate_limit_exceeded', message: 'too much' } })));
    expect(screener.facts()).toMatchObject({
      complete: true,
      upstreamError: { type: 'rate_limit_exceeded', message: 'too much' },
      stopReason: 'failed',
    });
  });

  it('an incomplete one says why', () => {
    const screener = open();
    feed(screener, events(new ResponsesEvents().end('response.incomplete', { incomplete_details: { reason: 'max_output_tokens' } })));
    expect(screener.facts()).toMatchObject({ complete: true, stopReason: 'max_output_tokens', upstreamError: null });
  });

  it('one that breaks off is not complete, and flushes nothing', () => {
    const screener = open();
    const { released } = feed(screener, events(half));
    expect(released.toString()).not.toContain('219-09');
    expect(screener.facts().complete).toBe(false);
  });

  it.each([
    ['no JSON', 'data: {"choices":[}\n\n'],
    ['no JSON in a known event', 'event: response.output_text.delta\ndata: oops\n\n'],
    ['a key twice', 'data: {"choices":[],"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'],
    ['bytes that are no UTF-8', 'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\n'],
    ['a bad escape', 'data: {"choices":[{"index":0,"delta":{"content":"\\x"}}]}\n\n'],
    ['speech', 'data: {"choices":[{"index":0,"delta":{"audio":{"data":"AAAA"}}}]}\n\n'],
  ])('refuses %s', (_name, bytes) => {
    let code = '';
    try {
      feed(open(), [Buffer.from(bytes, 'latin1')]);
    } catch (error) {
      ({ code } = error as AffiantError);
    }
    expect(code).toBe('stream_invalid');
  });

  it('masks events nobody knows', () => {
    const odd = `event: novelty\ndata: call ${SSN}\n\nevent: response.novelty\ndata: {"type":"response.novelty","note":"call ${SSN}"}\n\n`;
    expect(run(odd + chatText(['x']) + DONE).released.toString()).not.toContain(SSN);
  });
});

describe('a value over two items', () => {
  it('is reported when the second one comes; choices of a completion are alternatives', () => {
    const screener = open();
    feed(screener, events(new ResponsesEvents().message(['SSN 219-', '09']).message(['-9999.']).end()));
    expect(screener.facts().leaks).toEqual([{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 1 }]);
    const clean = open();
    feed(clean, events(new ResponsesEvents().message(['SSN 219-', '09-9999']).message(['and more']).end()));
    expect(clean.facts().leaks).toBeUndefined();
  });
});
