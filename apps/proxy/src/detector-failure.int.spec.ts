import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RE2JS } from 're2js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseConfig, type AffiantConfig } from '#config';
import { createPlaceholder } from '#detect';
import { EventCodec, SystemClock, SystemIds, type DecodedEvent } from '#events';
import { JournalReader, JournalRecorder, recoverSource, type FileJournal } from '#journal';
import { createLogger } from '#observability';
import { ReloadingPolicies } from '#service';
import { AnthropicProtocol } from './protocols/anthropic/index.js';
import { MESSAGE_END, MESSAGE_START, textBlock, toolBlock } from './protocols/anthropic/testing/streams.js';
import { OpenaiProtocol } from './protocols/openai/index.js';
import { chatCall, chatText, DONE, eventsOf, ResponsesEvents, USAGE } from './protocols/openai/testing/streams.js';
import { answerJson, answerStream } from './testing/fake-upstream.js';
import { connection, Rig, type Answer } from './testing/rig.js';

/** Where this word stands, the engine of expressions breaks: a fault that no text is known to provoke. */
const BREAKS = 'TRIPWIRE';
const SSN = '219-09-9999';
/** What must be seen by nobody, in pieces or whole. */
const HIDDEN = [SSN, '219-0', '9-9999', BREAKS];
const key = Buffer.alloc(32, 7);
const codec = new EventCodec();
const clock = new SystemClock();

const configuration = (patterns: string, detected = ''): AffiantConfig =>
  parseConfig(
    `institution: Test Bank
connections:
  - { name: claude, protocol: anthropic, upstream: 'http://127.0.0.1:9', credential: { env: UNUSED }, allow: [ 'group:engineering' ] }
patterns:
  - { name: badge, regex: 'EMP-\\d{6}' }
${patterns}policies:
  - { name: customer-data, detect: [ ${detected}us_ssn, badge ], request: mask, response: mask, tool_input: mask }
  - { name: drops, when: { request_text: 'please hold' }, action: hold, approvers: { group: owners } }
`,
    'test',
  );

let rig: Rig;
let directory: string;
let journal: FileJournal;
let policies: ReloadingPolicies;
afterEach(async () => {
  vi.restoreAllMocks();
  await rig.stop();
  await journal.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The gateway on its own journal, with the policies of a configuration, whose engine of expressions breaks on `BREAKS`. */
async function start(patterns = '', detected = ''): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'affiant-detector-'));
  const options = { directory: join(directory, 'journal'), sourceId: 'gateway', key, segmentBytes: 1 << 20, highWaterBytes: 64 << 20 };
  ({ journal } = await recoverSource({ ...options, codec }));
  policies = await ReloadingPolicies.open(join(directory, 'policies.json'), configuration(patterns, detected));
  rig = await Rig.start({
    options: {
      protocols: [new AnthropicProtocol(), new OpenaiProtocol()],
      policySource: policies,
      placeholder: createPlaceholder(Buffer.alloc(32, 9)),
      recorder: new JournalRecorder({ journal, codec, clock, ids: new SystemIds() }),
      logger: createLogger('test', { level: 'warn', file: join(directory, 'test.log') }),
    },
  });
  const [first] = rig.connections;
  rig.connections = [...rig.connections, { ...connection('gpt', first!.upstream), protocol: 'openai' }];
  for (const name of ['test', 'matcher'] as const) {
    const real = RE2JS.prototype[name] as (this: RE2JS, input: string) => never;
    vi.spyOn(RE2JS.prototype, name).mockImplementation(function (this: RE2JS, input: unknown) {
      if (String(input).includes(BREAKS)) throw new RangeError(`no room for ${String(input)}`);
      return real.call(this, input as string);
    });
  }
}

/** What the journal holds, in order: the bytes that shippers and ledgers get. */
async function trail(): Promise<DecodedEvent[]> {
  const reader = new JournalReader({ directory: join(directory, 'journal'), sourceId: 'gateway', key });
  const events: DecodedEvent[] = [];
  for (;;) {
    const records = await reader.read(events.length + 1, { maxRecords: 100, maxBytes: 1 << 24 });
    if (records.length === 0) break;
    for (const { payload } of records) events.push(codec.decode(payload));
  }
  await reader.close();
  return events;
}

type EventOf<T extends DecodedEvent['type']> = Extract<DecodedEvent, { type: T }>['event'];
const last = <T extends DecodedEvent['type']>(events: readonly DecodedEvent[], type: T): EventOf<T> =>
  events.findLast((one): one is Extract<DecodedEvent, { type: T }> => one.type === type)!.event as EventOf<T>;

function expectHidden(...texts: readonly string[]): void {
  for (const text of texts) for (const value of HIDDEN) expect(text).not.toContain(value);
}

/** How the last call stands in the trail and in the log: ended, with the code, and without a word of the text. */
async function expectRecorded(outcome: string, status: number): Promise<EventOf<'response'>> {
  const events = await trail();
  const response = last(events, 'response');
  const request = last(events, 'request');
  expect(response).toMatchObject({
    outcome,
    status,
    error_code: 'detector_failed',
    error_message: expect.stringContaining('badge') as string,
  });
  expect(response.envelope.exchange_id).toBe(request.envelope.exchange_id);
  const content = events.flatMap(({ type, event }) =>
    type === 'request' || type === 'response' ? [rig.textOf(event.body)] : type === 'segment' ? [rig.textOf(event)] : [],
  );
  expectHidden(JSON.stringify(events), ...content);
  const log = await logged(response.envelope.exchange_id!);
  expect(log).toMatchObject({ code: 'detector_failed', err: 'The pattern "badge" failed on this text.', kind: 'RangeError' });
  expectHidden(JSON.stringify(log));
  return response;
}

/** The log's line about an exchange; it is written behind the call. */
async function logged(exchange: string): Promise<Record<string, unknown>> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    const lines = readFileSync(join(directory, 'test.log'), 'utf8').split('\n');
    const line = lines.find((one) => one.includes(exchange) && one.endsWith('}'));
    if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the log says nothing of it');
}

interface Api {
  readonly name: string;
  readonly path: string;
  asks(text: string, stream: boolean): object;
  document(text: string): string;
  stream(pieces: readonly string[]): string;
  call(pieces: readonly string[]): string;
  /** The code a client reads in the API's error document. */
  codeIn(document: Record<string, unknown>): unknown;
}

const saysCode = (error: unknown): unknown => /\(affiant: (\w+)\)/.exec(String((error as { message?: string } | undefined)?.message))?.[1];
const APIS: readonly Api[] = [
  {
    name: 'Anthropic',
    path: '/c/claude/v1/messages',
    asks: (text, stream) => ({ model: 'm', max_tokens: 9, stream, messages: [{ role: 'user', content: text }] }),
    document: (text) => JSON.stringify({ type: 'message', role: 'assistant', usage: {}, content: [{ type: 'text', text }] }),
    stream: (pieces) => MESSAGE_START + textBlock(pieces) + MESSAGE_END,
    call: (pieces) => MESSAGE_START + toolBlock('lookup', pieces) + MESSAGE_END,
    codeIn: ({ type, error }) => (type === 'error' ? saysCode(error) : undefined),
  },
  {
    name: 'OpenAI responses',
    path: '/c/gpt/v1/responses',
    asks: (text, stream) => ({ model: 'm', store: false, stream, input: text }),
    document: (text) =>
      JSON.stringify({ object: 'response', usage: null, output: [{ type: 'message', content: [{ type: 'output_text', text }] }] }),
    stream: (pieces) => new ResponsesEvents().message(pieces).end(),
    call: (pieces) => new ResponsesEvents().call('lookup', pieces).end(),
    codeIn: ({ error }) => (error as { code?: string } | undefined)?.code,
  },
  {
    name: 'OpenAI chat completions',
    path: '/c/gpt/v1/chat/completions',
    asks: (text, stream) => ({ model: 'm', stream, messages: [{ role: 'user', content: text }] }),
    document: (text) =>
      JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: text } }] }),
    stream: (pieces) => chatText(pieces) + USAGE + DONE,
    call: (pieces) => chatCall('lookup', pieces) + USAGE + DONE,
    codeIn: ({ error }) => (error as { code?: string } | undefined)?.code,
  },
];

/** All of a stream up to, and from, the piece in which something is. */
function cutBefore(stream: string, what: string): [string, string] {
  const events = stream.split(/(?<=\n\n)/);
  const at = events.findIndex((event) => event.includes(what));
  return [events.slice(0, at).join(''), events.slice(at).join('')];
}

describe.each(APIS)('a detector that breaks, $name', ({ path, asks, document, stream, call, codeIn }) => {
  const post = (text: string, streamed: boolean): Promise<Answer> => rig.post(asks(text, streamed), { path });

  /** The process goes on: the same connection and policy serve the next call, and mask it. */
  async function expectServing(): Promise<void> {
    const before = rig.upstream.heard.length;
    rig.upstream.answer = ({ response }) => answerJson(response, 200, document(`It is ${SSN}.`));
    const answer = await post(`EMP-123456 of ${SSN}`, false);
    expect(answer.status).toBe(200);
    expect(rig.upstream.heard[before]!.body).toMatch(/\[BADGE:\w+\] of \[US_SSN:\w+\]/);
    expect(answer.body).toMatch(/It is \[US_SSN:\w+\]\./);
    expect(last(await trail(), 'response')).toMatchObject({ outcome: 'completed', status: 200, error_code: null });
  }

  it.each([false, true])('on a request (streamed: %s): refused, and the provider hears nothing', async (streamed) => {
    await start();
    const answer = await post(`${SSN}, ${BREAKS}`, streamed);
    expect(answer.status).toBe(500);
    expect(codeIn(JSON.parse(answer.body) as Record<string, unknown>)).toBe('detector_failed');
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(rig.upstream.heard).toEqual([]);
    expectHidden(answer.body);
    const { body } = await expectRecorded('refused', 500);
    expect(rig.textOf(body)).toBe(answer.body);
    const events = await trail();
    expect(last(events, 'request').body).toMatchObject({
      segments: [],
      original_digest: expect.stringMatching(/^v2:[0-9a-f]{64}$/) as string,
    });
    expect(last(events, 'decision')).toMatchObject({ verdict: 'block' });
    await expectServing();
  });

  it('on a whole answer: refused, and nothing of it is delivered', async () => {
    await start();
    rig.upstream.answer = ({ response }) => answerJson(response, 200, document(`It is ${SSN}, ${BREAKS}.`));
    const answer = await post('hello', false);
    expect(answer.status).toBe(500);
    expect(codeIn(JSON.parse(answer.body) as Record<string, unknown>)).toBe('detector_failed');
    expectHidden(answer.body);
    const { body, upstream_status: upstream } = await expectRecorded('stream_error', 500);
    expect([rig.textOf(body), upstream]).toEqual([answer.body, 200]);
    await expectServing();
  });

  it('on a stream before its first byte: refused like a whole answer', async () => {
    await start();
    rig.upstream.answer = ({ response }) => answerStream(response, stream([`${SSN} ${BREAKS}`, ' and more']));
    const answer = await post('hello', true);
    expect(answer.status).toBe(500);
    expect(codeIn(JSON.parse(answer.body) as Record<string, unknown>)).toBe('detector_failed');
    expectHidden(answer.body);
    await expectRecorded('stream_error', 500);
    await expectServing();
  });

  it.each([
    ['text', (pieces: readonly string[]) => stream(pieces)],
    ['the input of a tool', (pieces: readonly string[]) => call(['{"q": "', ...pieces, '"}'])],
  ])('in the middle of a stream, in %s: ended with an error, what was held is thrown away', async (_place, streamOf) => {
    await start();
    const [first, rest] = cutBefore(streamOf(['All is well so far, and I look. ', 'SSN 219-0', `9-9999 ${BREAKS}`, ' and so on']), BREAKS);
    expect(first).toContain('SSN 219-0');
    const answer = await rig.streamInTwo(asks('hello', true), first, rest, path);
    expect(answer.status).toBe(200);
    expect(answer.broken).toBe(false);
    const events = eventsOf(Buffer.from(answer.body));
    expect(codeIn(events.at(-1) as Record<string, unknown>)).toBe('detector_failed');
    for (const end of ['message_stop', 'response.completed', '[DONE]']) expect(answer.body).not.toContain(end);
    expectHidden(answer.body);
    const { body } = await expectRecorded('stream_error', 200);
    expect(body.complete).toBe(false);
    expect(rig.textOf(body)).toBe(answer.body);
    await expectServing();
  });

  it('on the answer of a call that people had granted: the caller is refused', async () => {
    await start();
    rig.upstream.answer = ({ response }) => answerJson(response, 200, document(`It is ${SSN}, ${BREAKS}.`));
    const answered = post('please hold', false);
    await rig.book.vote((await rig.book.row()).id, 'approve');
    const answer = await answered;
    expect(answer.status).toBe(500);
    expect(codeIn(JSON.parse(answer.body) as Record<string, unknown>)).toBe('detector_failed');
    expectHidden(answer.body);
    await expectRecorded('stream_error', 500);
    await expectServing();
  });
});

describe('patterns at their limits, and texts made for them', () => {
  it('cost what a long text costs: the call is served, and masked behind the hostile text', async () => {
    const words = Array.from({ length: 10_000 }, (_, at) => `${'a'.repeat(70)}${String(at).padStart(5, '0')}`);
    await start(`  - { name: nested, regex: '(a+)+b' }\n  - { name: wide, words: [${words.join(', ')}] }\n`, 'nested, wide, ');
    const hostile = `${'a'.repeat(60_000)}! ${`${'a'.repeat(70)}0 `.repeat(500)}EMP-123456 ${words[9_999]}`;
    rig.upstream.answer = ({ response }) => answerStream(response, MESSAGE_START + textBlock(hostile.match(/.{1,1000}/g)!) + MESSAGE_END);
    const answer = await rig.post({ model: 'm', max_tokens: 9, stream: true, messages: [{ role: 'user', content: hostile }] });
    for (const text of [rig.upstream.heard[0]!.body, answer.body]) {
      expect(text).toMatch(/\[BADGE:/);
      expect(text).toMatch(/\[WIDE:/);
      expect(text).not.toContain('EMP-123456');
    }
    expect(last(await trail(), 'response')).toMatchObject({ outcome: 'completed', error_code: null });
  });

  it.each([
    ['an expression that is too large', `  - { name: large, regex: '(((a{100}){100}){100}){100}' }\n`],
    ['a list that is too long', `  - { name: long, words: [${Array.from({ length: 10_001 }, (_, at) => `word${at}`).join(', ')}] }\n`],
  ])('is refused when it is loaded, and what was in force stays in force: %s', async (_name, pattern) => {
    await start();
    const before = policies.current().digest;
    await expect((async () => policies.reload(configuration(pattern)))()).rejects.toMatchObject({ code: 'config_invalid' });
    expect(policies.current().digest).toBe(before);
    expect((await rig.post({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: `${SSN} EMP-123456` }] })).status).toBe(200);
    expect(rig.upstream.heard[0]!.body).toMatch(/\[US_SSN:\w+\] \[BADGE:\w+\]/);
  });
});
