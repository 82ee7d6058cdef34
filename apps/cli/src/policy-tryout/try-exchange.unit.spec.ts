import { describe, expect, it } from 'vitest';
import { builtInProtocols } from '#apps/proxy';
import { parseConfig } from '#config';
import { createPlaceholder } from '#detect';
import { compilePolicySet } from '#policy';
import type { PastExchange } from './history.js';
import { Tally } from './tally.js';
import { tryExchange, type Tried } from './try-exchange.js';

const CANDIDATE = `
policies:
  - name: customer-data
    detect: [us_ssn, credit_card]
    request: mask
    response: mask
    tool_input: block
  - name: no-drop
    when: { tool_input: '(?i)drop\\s+table' }
    action: hold
    approvers: { group: owners }
  - name: secret-project
    when: { request_text: 'project x' }
    action: block
  - name: never
    when: { request_text: 'zzzz' }
    action: block
`;
const set = compilePolicySet(parseConfig(CANDIDATE, 'candidate.yaml'), 'candidate');
const protocol = builtInProtocols().find(({ name }) => name === 'anthropic')!;
const exchange: PastExchange = {
  exchange_id: 'x-1',
  session_id: 's-1',
  connection: 'claude',
  protocol: 'anthropic',
  method: 'POST',
  path: '/v1/messages',
  principal_issuer: 'https://idp.test',
  principal_subject: 'alice',
  principal_kind: 'user',
  principal_groups: ['engineering'],
  verdict: 'allow',
};
const principal = {
  issuer: '',
  subject: '',
  kind: 'user',
  groups: [],
  actor: null,
  token_digest: null,
  token_expires_at: null,
  authenticated_by: null,
};
const context = { policy: set.select(principal, 'claude'), placeholder: createPlaceholder(Buffer.alloc(32, 1)), cacheScope: set.digest };

const ask = (text: string): Buffer =>
  Buffer.from(JSON.stringify({ model: 'claude-simulated-1', max_tokens: 8, messages: [{ role: 'user', content: text }] }));
const answer = (content: object[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      type: 'message',
      role: 'assistant',
      model: 'claude-simulated-1',
      content,
      stop_reason: 'end_turn',
      usage: { input_tokens: 1, output_tokens: 1 },
    }),
  );
const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
const stream = (...parts: string[]): Buffer =>
  Buffer.from(
    event('message_start', {
      message: {
        id: 'm',
        type: 'message',
        role: 'assistant',
        model: 'claude-simulated-1',
        content: [],
        stop_reason: null,
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    }) +
      parts.join('') +
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }) +
      event('message_stop', {}),
  );
const tool = (index: number, json: string): string =>
  event('content_block_start', { index, content_block: { type: 'tool_use', id: `t${index}`, name: 'sql', input: {} } }) +
  event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: json } }) +
  event('content_block_stop', { index });
const text = (index: number, words: string): string =>
  event('content_block_start', { index, content_block: { type: 'text', text: '' } }) +
  event('content_block_delta', { index, delta: { type: 'text_delta', text: words } }) +
  event('content_block_stop', { index });

const run = (request: Buffer | null, response: Buffer | null): Promise<Tried> =>
  tryExchange(protocol, context, exchange, { request, response });

describe('a candidate policy on an exchange of the past', () => {
  it('finds values, and shows them masked only', async () => {
    const { hits, verdict } = await run(
      ask('The SSN is 536-90-4399, twice 536-90-4399.'),
      answer([{ type: 'text', text: 'Card 4111 1111 1111 1111.' }]),
    );
    expect(verdict).toBe('mask');
    expect(hits.map(({ direction, policy, action, entity, count }) => [direction, policy, action, entity, count])).toEqual([
      ['request', 'customer-data', 'mask', 'us_ssn', 2],
      ['response', 'customer-data', 'mask', 'credit_card', 1],
    ]);
    expect(hits[0]!.sample).toMatch(/The SSN is \[US_SSN:[0-9a-f]{8}\], twice/);
    expect(JSON.stringify(hits)).not.toMatch(/536-90-4399|4111/);
  });

  it('counts what was masked when it was recorded by the type in its placeholder', async () => {
    const { hits } = await run(ask('The SSN is [US_SSN:01234567]; [EMAIL:01234567] is nobody’s business here.'), null);
    expect(hits).toMatchObject([{ direction: 'request', policy: 'customer-data', action: 'mask', entity: 'us_ssn', count: 1 }]);
  });

  it('blocks by a text and goes on behind what it would hold', async () => {
    expect(await run(ask('tell me about project x'), null)).toMatchObject({
      verdict: 'block',
      hits: [{ policy: 'secret-project', action: 'block', entity: null }],
      unread: [{ direction: 'response', why: 'no_body' }],
    });
    const answered = stream(tool(0, '{"q":"DROP TABLE a"}'), tool(1, '{"q":"drop table b"}'), text(2, 'SSN 536-90-4399.'));
    const { hits, verdict } = await run(ask('go on'), answered);
    expect(verdict).toBe('hold');
    expect(hits.map(({ policy, action }) => `${policy} ${action}`)).toEqual(['customer-data mask', 'no-drop hold']);
    const whole = answer([
      { type: 'tool_use', id: 't', name: 'sql', input: { q: 'drop table a' } },
      { type: 'text', text: 'SSN 536-90-4399.' },
    ]);
    expect((await run(ask('go on'), whole)).hits.map(({ policy, action }) => `${policy} ${action}`)).toEqual([
      'customer-data mask',
      'no-drop hold',
    ]);
  });

  it('reads the OpenAI protocol as well', async () => {
    const openai = builtInProtocols().find(({ name }) => name === 'openai')!;
    const chat = { ...exchange, protocol: 'openai', path: '/v1/chat/completions' };
    const request = Buffer.from(JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'project x, SSN 536-90-4399' }] }));
    const response = Buffer.from(
      JSON.stringify({
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: 'SSN 536-90-4399' }, finish_reason: 'stop' }],
      }),
    );
    const { hits, verdict } = await tryExchange(openai, context, chat, { request, response });
    expect(verdict).toBe('block');
    expect(hits.map(({ direction, policy, action }) => `${direction} ${policy} ${action}`)).toEqual([
      'request customer-data mask',
      'request secret-project block',
      'response customer-data mask',
    ]);
  });

  it('says what it cannot read', async () => {
    const { hits, unread } = await run(Buffer.from('{"model":'), Buffer.from('{"a":1'));
    expect(hits).toEqual([]);
    expect(unread.map(({ direction }) => direction)).toContain('request');
    expect(unread[0]!.why).toBe('body_invalid');
  });
});

describe('the tally', () => {
  it('counts exchanges, values, sessions and people of each rule, warns of broad ones, and names what nothing hit', async () => {
    const tally = new Tally(1);
    const [ssn, block, plain] = [
      await run(ask('SSN 536-90-4399 and 536-90-4398'), null),
      await run(ask('project x'), null),
      await run(ask('hello'), answer([])),
    ];
    for (let i = 0; i < 16; i += 1) tally.add({ ...exchange, exchange_id: `a-${i}`, session_id: `s-${i % 4}` }, ssn);
    for (let i = 0; i < 2; i += 1)
      tally.add({ ...exchange, exchange_id: `b-${i}`, session_id: '', verdict: 'block', principal_subject: `p-${i}` }, block);
    for (let i = 0; i < 2; i += 1) tally.add({ ...exchange, exchange_id: `c-${i}`, verdict: '' }, plain);
    const report = tally.report(['customer-data', 'no-drop', 'secret-project', 'never']);
    expect(report).toMatchObject({
      exchanges: 20,
      changes: [
        { recorded: 'allow', candidate: 'mask', exchanges: 16 },
        { recorded: 'block', candidate: 'block', exchanges: 2 },
        { recorded: 'none', candidate: 'allow', exchanges: 2 },
      ],
      rules: [
        { policy: 'customer-data', action: 'mask', entity: 'us_ssn', exchanges: 16, values: 32, sessions: 4, principals: 1 },
        { policy: 'secret-project', action: 'block', entity: null, exchanges: 2, sessions: 2, principals: 2 },
      ],
      unused: ['no-drop', 'never'],
      unread: { 'response: no_body': 18 },
    });
    expect(report.rules[0]!.samples).toHaveLength(1);
    expect(report.warnings).toEqual([
      'customer-data: would mask 80 % of the exchanges (us_ssn in the request); is that meant?',
      expect.stringMatching(/^secret-project: would block 10 % of the exchanges/),
    ]);
  });

  it('calls nothing broad on a handful of exchanges', async () => {
    const tally = new Tally(0);
    for (let i = 0; i < 19; i += 1) tally.add(exchange, await run(ask('project x'), null));
    expect(tally.report([]).warnings).toEqual([]);
  });
});
