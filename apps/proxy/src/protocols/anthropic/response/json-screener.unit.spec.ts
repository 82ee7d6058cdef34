import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import { AnthropicProtocol } from '../anthropic-protocol.js';
import type { ResponseFacts, UpstreamHead } from '../../protocol.js';
import { ALL_TYPES, testContext, testPlaceholder, type TestPolicy } from '../../shared/testing/policies.js';
import { feed, type Run } from '../../shared/testing/feed.js';

const SSN = '219-09-9999';
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);
const protocol = new AnthropicProtocol();

function screen(
  body: string | Buffer,
  options: TestPolicy = {},
  upstream: Partial<UpstreamHead> = {},
  grant = true,
): Run & { facts: ResponseFacts } {
  const screener = protocol.screenResponse(testContext(options), { status: 200, contentType: 'application/json', ...upstream });
  const bytes = Buffer.from(body);
  const run = feed(screener, [bytes.subarray(0, 7), bytes.subarray(7)], grant);
  return { ...run, facts: screener.facts() };
}

const message = (content: unknown[]): string =>
  JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-test-1',
    content,
    stop_reason: 'tool_use',
    usage: { input_tokens: 3, output_tokens: 4 },
    future: 1,
  });
const tool = (input: unknown): object => ({ type: 'tool_use', id: 't1', name: 'Bash', input });

describe('a whole message', () => {
  it('goes through byte for byte when nothing is found', () => {
    const body = `{ "type":"message" ,"content":[ {"type":"text","text":"caf\\u00e9 1.0"} ],"n":1.00 }\n`;
    const { released, beforeEnd, facts } = screen(body);
    expect(beforeEnd.length).toBe(0);
    expect(released.toString()).toBe(body);
    expect(facts.complete).toBe(true);
  });

  it('is masked in its texts, not in its thinking', () => {
    const content = (value: string): unknown[] => [
      { type: 'thinking', thinking: `hm ${SSN}`, signature: 'c2ln' },
      { type: 'text', text: `is ${value}`, citations: [{ type: 'c', cited_text: value, encrypted_index: SSN }] },
    ];
    const { released, facts } = screen(message(content(SSN)));
    expect(released.toString()).toBe(message(content(mask(SSN))));
    expect(facts).toMatchObject({ model: 'claude-test-1', stopReason: 'tool_use', inputTokens: 3, outputTokens: 4 });
    expect(facts.masks).toMatchObject([{ entity: 'us_ssn', count: 2 }]);
  });

  it('is judged in its tool calls', () => {
    const dangerous = message([{ type: 'text', text: 'ok' }, tool({ command: 'DROP TABLE x' })]);
    const rule = { when: { toolInput: [/drop table/i, 'hold'] as const } };
    const granted = screen(dangerous, rule);
    expect(granted.held).toMatchObject([{ tool: 'Bash', summary: '{"command":"DROP TABLE x"}' }]);
    expect(granted.released.toString()).toBe(dangerous);
    const denied = screen(dangerous, rule, {}, false);
    expect(denied.released.length).toBe(0);
    expect(denied.blocked?.action).toBe('hold');
    expect(screen(message([tool({ q: SSN })])).blocked?.action).toBe('block');
    expect(screen(message([tool({ q: SSN })]), { toolInput: 'mask' }).released.toString()).toBe(message([tool({ q: mask(SSN) })]));
    const allowed = screen(message([tool({ q: SSN })]), { toolInput: 'allow' });
    expect(allowed.released.toString()).toContain(SSN);
    expect(allowed.recorded.toString()).not.toContain(SSN);
    expect(allowed.facts.toolCalls).toEqual(['Bash']);
  });

  it('is judged in its text', () => {
    const body = message([{ type: 'text', text: `plan for ${SSN}` }]);
    expect(screen(body, { response: 'block' }).blocked?.action).toBe('block');
    expect(screen(body, { when: { responseText: [/plan/, 'block'] } }).blocked?.rules.map((rule) => rule.policy)).toContain(
      'response-text',
    );
    const held = screen(body, { response: 'hold' });
    expect(held.held[0]?.summary).toBe(`plan for ${mask(SSN)}`);
    expect(held.released.toString()).toBe(body);
    expect(held.recorded.toString()).not.toContain(SSN);
    expect(screen(body, { when: { responseText: [/plan/, 'mask'] } }).released.toString()).toMatch(
      /"text":"\[RESPONSE_TEXT:[0-9a-f]{8}\]"/,
    );
  });

  it('must be JSON', () => {
    for (const body of ['{"type":', '{"a":1,"a":2}', 'words', Buffer.from([0x7b, 0xff])]) {
      expect(() => screen(body)).toThrow(expect.objectContaining({ code: 'stream_invalid' }));
    }
  });
});

describe('other documents', () => {
  it('counts and models go through', () => {
    const counted = screen('{"input_tokens":2095}');
    expect(counted.facts.inputTokens).toBe(2095);
    const models = '{"data":[{"type":"model","id":"claude-x","display_name":"X","created_at":"2025-02-19T00:00:00Z"}],"has_more":false}';
    expect(screen(models).released.toString()).toBe(models);
  });

  it('errors keep their wording, but not values', () => {
    const body = (value: string): string =>
      `{"type":"error", "error":{"type":"invalid_request_error","message":"messages.1: bad ${value}"},"request_id":"req_011"}`;
    expect(screen(body('thing'), {}, { status: 400 }).released.toString()).toBe(body('thing'));
    const masked = screen(body(SSN), { response: 'mask' }, { status: 400 });
    expect(masked.released.toString()).toBe(body(mask(SSN)));
    expect(masked.facts.upstreamError).toEqual({ type: 'invalid_request_error', message: `messages.1: bad ${mask(SSN)}` });
    const html = screen(`<html>502 ${SSN}</html>`, {}, { status: 502, contentType: 'text/html' });
    expect(html.released.toString()).toBe(`<html>502 ${mask(SSN)}</html>`);
    expect(screen('', {}, { status: 500, contentType: '' }).released.length).toBe(0);
  });

  it('after keep-alives an error comes as an event', () => {
    const error = '{"type":"error","error":{"type":"overloaded_error",\n"message":"x"}}';
    const { released } = screen(error, {}, { status: 529, keptAlive: { 'user-agent': 'claude-cli/2' } });
    expect(released.toString()).toBe('event: error\ndata: {"type":"error","error":{"type":"overloaded_error",\ndata: "message":"x"}}\n\n');
  });
});

describe('types we cannot read', () => {
  it('are refused when anything must be looked at', () => {
    expect(() => screen('x,y', {}, { contentType: 'text/csv' })).toThrow(expect.objectContaining({ code: 'stream_invalid' }));
    expect(screen('', {}, { contentType: 'text/csv', status: 204 }).released.length).toBe(0);
  });

  it('pass when policy looks for nothing, the last bytes at the end', () => {
    const { released, beforeEnd } = screen('0123456789', { detector: null, toolInput: 'off' }, { contentType: 'application/octet-stream' });
    expect(released.toString()).toBe('0123456789');
    expect(beforeEnd.toString()).toBe('0123456');
  });
});
