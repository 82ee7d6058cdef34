import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import { AnthropicProtocol } from '../anthropic-protocol.js';
import { ALL_TYPES, testContext, testPlaceholder, type TestPolicy } from '../../shared/testing/policies.js';
import { eachByte, feed, type Run } from '../../shared/testing/feed.js';
import { assembled, MESSAGE_END, MESSAGE_START, sse, textBlock, toolBlock } from '../testing/streams.js';

const SSN = '219-09-9999';
const CARD = '4111 1111 1111 1111';
const protocol = new AnthropicProtocol();
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);

function screen(
  text: string,
  options: TestPolicy = {},
  grant = true,
): Run & { facts: ReturnType<ReturnType<AnthropicProtocol['screenResponse']>['facts']> } {
  const screener = protocol.screenResponse(testContext(options), { status: 200, contentType: 'text/event-stream; charset=utf-8' });
  return { ...feed(screener, [Buffer.from(text)], grant), facts: screener.facts() };
}

const wrap = (blocks: string): string => MESSAGE_START + blocks + MESSAGE_END;

describe('a stream with nothing to mask', () => {
  const thinking =
    sse('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }) +
    sse('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: `hm ${SSN}`, estimated_tokens: 3 } }) +
    sse('content_block_delta', {
      index: 0,
      delta: { type: 'signature_delta', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk=' },
    }) +
    sse('content_block_stop', { index: 0 });
  const stream = wrap(
    `${thinking}: comment\n\n${sse('ping')}${textBlock(['Hel', 'lo', ' wor', 'ld, ', 'how', ' are', ' you', '?', ''], 1)}${sse('brand_new_event', { a: { b: ['c'] } })}`,
  );

  it.each(['\n', '\r\n', '\r'])('goes through byte for byte, chunked anyhow, line end %j', (lineEnd) => {
    const bytes = Buffer.from(stream.replaceAll('\n', lineEnd));
    for (const size of [1, 2, 7, 61, 1_000, 100_000]) {
      const screener = protocol.screenResponse(testContext(), { status: 200, contentType: 'text/event-stream' });
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        Buffer.from(bytes.subarray(i * size, (i + 1) * size)),
      );
      expect(feed(screener, chunks).released.equals(bytes)).toBe(true);
    }
  });

  it('gives message_stop only at the end, and says what it saw', () => {
    const { beforeEnd, facts, released } = screen(stream);
    expect(beforeEnd.toString()).not.toContain('message_stop');
    expect(released.toString()).toContain('message_stop');
    expect(facts).toMatchObject({
      model: 'claude-test-1',
      stopReason: 'end_turn',
      inputTokens: 25,
      outputTokens: 15,
      cacheReadTokens: 7,
      complete: true,
      masks: [],
      rules: [],
      upstreamError: null,
    });
  });

  it('goes through without policy too, and unread', () => {
    const { released } = screen(stream, { detector: null, toolInput: 'off' });
    expect(released.toString()).toBe(stream);
  });
});

describe('the first words of a text', () => {
  const released = (deltas: readonly string[]): string[] => {
    const screener = protocol.screenResponse(testContext(), { status: 200, contentType: 'text/event-stream' });
    screener.push(Buffer.from(MESSAGE_START + sse('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })));
    return deltas.map((text) => {
      const { release } = screener.push(Buffer.from(sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })));
      return assembled(Buffer.concat(release)).get('0 text') ?? '';
    });
  };

  it('go out as far as they are decided; later ones wait for the next delta', () => {
    expect(released([' The ledger', ' is', ' a bo', 'ok'])).toEqual([' The ', 'ledger', ' is', '']);
  });

  it('wait where they may be a value', () => {
    expect(released(['  ', ' 4111', ' 1111 1111 1111', ' and'])).toEqual(['  ', '', '', mask(` ${CARD}`)]);
  });
});

describe('values in text', () => {
  it('are masked over deltas; bytes around them stay', () => {
    const { released, facts } = screen(wrap(textBlock(['Her SSN is 219', '-09-', '9999, card ', CARD, '. Bye'])));
    expect(assembled(released).get('0 text')).toBe(mask(`Her SSN is ${SSN}, card ${CARD}. Bye`));
    expect(released.toString()).not.toContain('09-');
    expect(facts.masks.map(({ entity, count, policy }) => [entity, count, policy])).toEqual([
      ['us_ssn', 1, 'customer-data'],
      ['credit_card', 1, 'customer-data'],
    ]);
    expect(facts.rules.map((rule) => rule.action)).toEqual(['mask', 'mask']);
  });

  it('keep unknown members of a rewritten delta', () => {
    const delta = `{"type":"content_block_delta", "index":0,"x":[1.50,{"k":"v"}],"delta":{"text":"SSN ${SSN} \\u00e9 ok.", "type":"text_delta","future":true}}`;
    const stream = wrap(
      sse('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
        sse('content_block_delta', {}, delta) +
        sse('content_block_stop', { index: 0 }),
    );
    const { released } = screen(stream);
    expect(released.toString()).toContain(`{"type":"content_block_delta", "index":0,"x":[1.50,{"k":"v"}],"delta":{"text":"SSN [US_SSN:`);
    expect(released.toString()).toContain('é ok.", "type":"text_delta","future":true}}');
  });

  it('are found when written with escapes, and when the block starts with text', () => {
    const escaped = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\u0032\\u0031\\u0039-0"}}';
    const stream = wrap(
      sse('content_block_start', { index: 0, content_block: { type: 'text', text: 'SSN: ' } }) +
        sse('content_block_delta', {}, escaped) +
        sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text: '9-9999' } }) +
        sse('content_block_stop', { index: 0 }),
    );
    expect(assembled(screen(stream).released).get('0 text')).toBe(mask(`SSN: ${SSN}`));
  });

  it('are masked where they arrive whole: results, citations, errors, unknown events and deltas', () => {
    const stream = wrap(
      sse('content_block_start', {
        index: 0,
        content_block: {
          type: 'web_fetch_tool_result',
          tool_use_id: 'srvtoolu_1',
          content: { type: 'x', text: `a ${SSN}`, encrypted_content: SSN },
        },
      }) +
        sse('content_block_stop', { index: 0 }) +
        sse('content_block_start', { index: 1, content_block: { type: 'text', text: '' } }) +
        sse('content_block_delta', {
          index: 1,
          delta: { type: 'citations_delta', citation: { type: 'y', cited_text: `b ${SSN}`, title: `c ${SSN}`, url: 'https://x.test/' } },
        }) +
        sse('content_block_delta', { index: 1, delta: { type: 'brand_new_delta', words: 'd 219-09' } }) +
        sse('content_block_delta', { index: 1, delta: { type: 'brand_new_delta', words: '-9999 e' } }) +
        sse('content_block_stop', { index: 1 }) +
        sse('brand_new_event', { deep: [{ er: `f ${SSN}` }] }) +
        `event: odd\ndata: not json ${SSN}\n\n`,
    );
    const { released } = screen(stream);
    expect(released.toString().split(SSN)).toHaveLength(2);
    expect(released.toString()).toContain(`"encrypted_content":"${SSN}"`);
    expect(released.toString().match(/\[US_SSN:[0-9a-f]{8}\]/g)).toHaveLength(6);
    expect(released.toString()).toContain('"url":"https://x.test/"');
  });

  it('end the stream when policy blocks them', () => {
    const { released, blocked } = screen(wrap(textBlock(['Fine so far, really. ', `But ${SSN} `, 'and more'])), { response: 'block' });
    expect(blocked).toMatchObject({ action: 'block', rules: [{ policy: 'customer-data', action: 'block' }] });
    expect(released.toString()).toContain('Fine so far');
    expect(released.toString()).not.toMatch(/But 219|message_stop|and more/);
  });

  it('wait for people when policy says so; the trail never has them', () => {
    const stream = wrap(textBlock(['It is ', `${SSN} I think`]));
    const granted = screen(stream, { response: 'hold' });
    expect(granted.held).toHaveLength(1);
    expect(granted.held[0]).toMatchObject({ tool: null, verdict: { action: 'hold' } });
    expect(granted.held[0]!.summary).toBe(mask(`It is ${SSN} I think`));
    expect(granted.released.toString()).toBe(stream);
    expect(granted.recorded.toString()).not.toContain(SSN);
    const denied = screen(stream, { response: 'hold' }, false);
    expect(denied.blocked).toMatchObject({ action: 'hold' });
    expect(denied.released.toString()).not.toMatch(/It is|message_stop/);
  });
});

describe('tool calls', () => {
  const stream = wrap(textBlock(['ok']) + toolBlock('Bash', ['{"command":', '"psql -c \\"DROP ', 'TABLE x\\""}'], 1));

  it('wait as a whole for people', () => {
    const granted = screen(stream, { when: { toolInput: [/drop\s+table/i, 'hold'] } });
    expect(granted.held).toMatchObject([{ tool: 'Bash', summary: '{"command":"psql -c \\"DROP TABLE x\\""}' }]);
    expect(granted.released.toString()).toBe(stream);
    expect(granted.facts.toolCalls).toEqual(['Bash']);
    const denied = screen(stream, { when: { toolInput: [/drop\s+table/i, 'hold'] } }, false);
    expect(denied.released.toString()).not.toContain('Bash');
  });

  it('let pings and comments pass meanwhile, and keep what follows', () => {
    const screener = protocol.screenResponse(testContext({ when: { toolInput: [/drop/i, 'hold'] } }), {
      status: 200,
      contentType: 'text/event-stream',
    });
    const first = screener.push(Buffer.from(stream.slice(0, -MESSAGE_END.length)));
    expect(first.held?.tool).toBe('Bash');
    expect(Buffer.concat(first.release).toString()).not.toContain('tool_use');
    const second = screener.push(Buffer.from(sse('ping') + MESSAGE_END));
    expect(Buffer.concat(second.release).toString()).toBe(sse('ping'));
    expect(screener.end()).toEqual({ release: [] });
    const rest = [...screener.resolve(true).release, ...screener.end().release];
    expect(Buffer.concat(rest).toString()).toBe(toolBlock('Bash', ['{"command":', '"psql -c \\"DROP ', 'TABLE x\\""}'], 1) + MESSAGE_END);
  });

  it('are blocked by a value in their input, wherever it stands', () => {
    for (const input of [
      `{"q":"ssn ${SSN}"}`,
      `{"${SSN}":1}`,
      `{"card":4111111111111111}`,
      `{"q":"\\u0032${SSN.slice(1)}"}`,
      `{"q":"${SSN}`,
    ]) {
      const { blocked, released } = screen(wrap(toolBlock('lookup', [input.slice(0, 9), input.slice(9)])));
      expect(blocked?.action, input).toBe('block');
      expect(released.toString()).not.toContain('lookup');
    }
  });

  it('are masked when policy says so, value strings only', () => {
    const input = `{"a":"${SSN}","b":["x \\"${CARD}\\" \\u00e9"],"card":4111111111111111,"n":12}`;
    const { released, facts } = screen(wrap(toolBlock('lookup', [input.slice(0, 10), input.slice(10, 30), input.slice(30)])), {
      toolInput: 'mask',
    });
    const got = assembled(released).get('0 partial_json')!;
    expect(JSON.parse(got)).toEqual({ a: mask(SSN), b: [`x "${mask(CARD)}" é`], card: mask('4111111111111111'), n: 12 });
    expect(facts.masks.map(({ entity, count }) => [entity, count])).toEqual([
      ['us_ssn', 1],
      ['credit_card', 2],
    ]);
  });

  it('go out as they are when policy allows, but not into the trail', () => {
    const text = wrap(toolBlock('lookup', [`{"q":"${SSN}"}`]));
    const { released, recorded, facts } = screen(text, { toolInput: 'allow' });
    expect(released.toString()).toBe(text);
    expect(recorded.toString()).not.toContain(SSN);
    expect(facts.masks).toHaveLength(1);
  });

  it('with input in the block start are judged too', () => {
    const start = (input: unknown): string =>
      wrap(
        sse('content_block_start', { index: 0, content_block: { type: 'tool_use', id: 't', name: 'lookup', input } }) +
          sse('content_block_stop', { index: 0 }),
      );
    expect(screen(start({ q: SSN })).blocked?.action).toBe('block');
    const masked = screen(start({ q: SSN }), { toolInput: 'mask' });
    expect(masked.released.toString()).toContain(`{"q":"${mask(SSN)}"}`);
    expect(screen(start({})).released.toString()).toBe(start({}));
  });
});

describe('conditions on response text', () => {
  it('see the whole block before it goes out', () => {
    const stream = wrap(textBlock(['the secret pl', 'an is here']));
    expect(screen(stream, { when: { responseText: [/secret plan/, 'block'] } }).blocked?.rules[0]?.policy).toBe('response-text');
    expect(screen(stream, { when: { responseText: [/nothing/, 'block'] } }).released.toString()).toBe(stream);
    const held = screen(stream, { when: { responseText: [/secret plan/, 'hold'] } });
    expect(held.held[0]?.summary).toBe('the secret plan is here');
    expect(held.released.toString()).toBe(stream);
    const hidden = screen(stream, { when: { responseText: [/secret plan/, 'mask'] } });
    expect(assembled(hidden.released).get('0 text')).toMatch(/^\[RESPONSE_TEXT:[0-9a-f]{8}\]$/);
  });
});

describe('broken streams', () => {
  const start = MESSAGE_START + sse('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  const delta = (text: string): string => sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });

  it('flush nothing unscanned when the upstream goes away', () => {
    for (const cut of ['', delta('9-9999').slice(0, -1), delta('9-9999').slice(0, 40), 'event: con']) {
      const { released, facts } = screen(start + delta('All good so far, she has number 219-0') + cut);
      expect(released.toString()).not.toContain('219');
      expect(facts.complete).toBe(false);
    }
  });

  it('pass an error event at the end, masked, without what was undecided', () => {
    const { released, beforeEnd, facts } = screen(
      start + delta('number 219-0') + sse('error', { error: { type: 'overloaded_error', message: `busy with ${SSN}` } }),
    );
    expect(beforeEnd.toString()).not.toContain('error');
    expect(released.toString()).toContain('overloaded_error');
    expect(released.toString()).not.toContain('219');
    expect(facts.upstreamError).toEqual({ type: 'overloaded_error', message: `busy with ${mask(SSN)}` });
    expect(facts.complete).toBe(false);
  });

  it('are refused when they cannot be read', () => {
    expect(() => screen(`${start}event: content_block_delta\ndata: {"type":\n\n`)).toThrow(
      expect.objectContaining({ code: 'stream_invalid' }),
    );
    expect(() => screen(`${start}data: {"type":"content_block_delta","delta":{"text":"a","text":"b"}}\n\n`)).toThrow(
      expect.objectContaining({ code: 'stream_invalid' }),
    );
    const screener = protocol.screenResponse(testContext(), { status: 200, contentType: 'text/event-stream' });
    expect(() => screener.push(Buffer.concat([Buffer.from('data: "'), Buffer.from([0xc3, 0x28]), Buffer.from('"\n\n')]))).toThrow(
      expect.objectContaining({ code: 'stream_invalid' }),
    );
  });

  it('give the last event also without its blank line', () => {
    const whole = wrap(textBlock(['hi']));
    const { released, facts } = screen(whole.slice(0, -1));
    expect(released.toString()).toBe(whole.slice(0, -1));
    expect(facts.complete).toBe(true);
  });
});

describe('after keep-alives', () => {
  it('Claude Code gets one message: the early start stands, indexes move on by one', () => {
    const headers = { 'user-agent': 'claude-cli/2.1.328 (external, sdk-ts)' };
    const screener = protocol.screenResponse(testContext(), { status: 200, contentType: 'text/event-stream', keptAlive: headers });
    const { released } = feed(screener, eachByte(Buffer.from(wrap(textBlock([`SSN ${SSN} ok`], 0) + textBlock(['more'], 1)))));
    const all = Buffer.concat([protocol.keepAlive(headers, false), protocol.keepAlive(headers, true), released]);
    expect(all.toString().match(/"type":"message_start"/g)).toHaveLength(1);
    expect([...assembled(all).keys()]).toEqual(['0 text', '1 text', '2 text']);
    expect(assembled(all).get('1 text')).toBe(mask(`SSN ${SSN} ok`));
    const message = JSON.parse(protocol.assemble(all).toString()) as { content: unknown[]; stop_reason: string };
    expect(message.content).toEqual([
      { type: 'text', text: mask(`SSN ${SSN} ok`) },
      { type: 'text', text: 'more' },
    ]);
    expect(message.stop_reason).toBe('end_turn');
  });

  it('others had comments only, so the stream is their first', () => {
    const headers = { 'user-agent': 'Anthropic/JS 1.10.0' };
    const screener = protocol.screenResponse(testContext(), { status: 200, contentType: 'text/event-stream', keptAlive: headers });
    const stream = wrap(textBlock(['hello there']));
    expect(feed(screener, [Buffer.from(stream)]).released.toString()).toBe(stream);
    expect(protocol.keepAlive(headers, false).toString()).toMatch(/^: .*\n\n$/);
  });
});
