import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import { ALL_TYPES, testContext, testPlaceholder, type TestPolicy } from '../../shared/testing/policies.js';
import { OpenaiProtocol } from '../openai-protocol.js';
import { inOnePiece, type WholeRequest } from '../../shared/testing/in-one-piece.js';

const SSN = '219-09-9999';
const CARD = '4111 1111 1111 1111';
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);
const protocol = new OpenaiProtocol();
const RESPONSES = protocol.route('POST', '/v1/responses')!;
const CHAT = protocol.route('POST', '/v1/chat/completions')!;

async function screen(body: string | Buffer, options: TestPolicy & { allow?: boolean } = {}, route = RESPONSES): Promise<WholeRequest> {
  const { allow, ...policy } = options;
  const context = { ...testContext(policy), ...(allow === true ? { connection: { provider_state: 'allow' as const } } : {}) };
  const screened = await inOnePiece(protocol.screenRequest(Buffer.from(body), route, context));
  expect(Buffer.concat(screened.pieces.map(({ bytes }) => bytes)).equals(screened.masked)).toBe(true);
  for (const { bytes, sha256 } of screened.pieces) expect(createHash('sha256').update(bytes).digest().equals(sha256)).toBe(true);
  return screened;
}

const responses = (input: unknown, more: object = {}): string => JSON.stringify({ model: 'gpt-test-1', input, store: false, ...more });
const chat = (messages: unknown[], more: object = {}): string => JSON.stringify({ model: 'gpt-test-1', messages, ...more });

describe('a request with nothing to mask', () => {
  it.each([
    [
      'responses',
      RESPONSES,
      ' { "store":false , "model":"m","input" : [ {"role":"user","content":"hi \\u00e9"} ,\n {"type":"message","content":[]} ], "x_future":{"a":[1.0,2e3]},"stream":true }',
    ],
    [
      'chat',
      CHAT,
      '{"messages":[{"content":"hi","role":"user"}],"stream":true ,"stream_options":{"include_usage":true},"model":"m","seed":12345678901234567890}',
    ],
  ])('%s: is the very same buffer', async (_name, route, text) => {
    const body = Buffer.from(text);
    const screened = await inOnePiece(protocol.screenRequest(body, route, testContext()));
    expect(screened.masked).toBe(body);
    expect(screened).toMatchObject({ model: 'm', stream: true, tools: [], masks: [], verdict: { action: 'allow', rules: [] } });
  });
});

describe('masking a Responses request', () => {
  it('reaches instructions, input of every form, results of tools and descriptions', async () => {
    const input = (text: string): unknown[] => [
      { role: 'user', content: text },
      { role: 'user', content: [{ type: 'input_text', text }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] },
      { type: 'function_call_output', call_id: 'c', output: text },
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text }] },
      { type: 'custom_tool_call', name: 'n', call_id: 'c', input: text },
      { type: 'reasoning', id: 'rs', summary: [{ type: 'summary_text', text }], encrypted_content: `gAAAA ${SSN}` },
      { type: 'local_shell_call_output', id: 'c', output: text },
    ];
    const body = (text: string): string =>
      responses(input(text), {
        instructions: text,
        tools: [
          { type: 'function', name: 'f', description: text, parameters: { type: 'object', properties: { a: { description: text } } } },
        ],
      });
    const { masked, masks, tools } = await screen(body(`my SSN is ${SSN}`));
    expect(masked.toString()).toBe(body(mask(`my SSN is ${SSN}`)));
    expect(masks).toMatchObject([{ entity: 'us_ssn', count: 11 }]);
    expect(tools).toEqual(['f']);
  });

  it('reaches into arguments, under their escapes, and leaves them JSON', async () => {
    const escaped = [...SSN].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const args = `{"note":"${escaped}","deep":{"card":"${CARD}"},"n":1.50}`;
    const { masked } = await screen(responses([{ type: 'function_call', name: 'f', call_id: 'c', arguments: args }]));
    const [item] = (JSON.parse(masked.toString()) as { input: [{ arguments: string }] }).input;
    expect(JSON.parse(item.arguments)).toEqual({ note: mask(SSN), deep: { card: mask(CARD) }, n: 1.5 });
    const again = await screen(
      chat([{ role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: args } }] }]),
      {},
      CHAT,
    );
    expect(again.masked.toString()).not.toMatch(/219|\\u0032/);
  });

  it.each(['{"note":"219-09-9999', '{"219-09-9999":1}', 'call 219-09-9999', '{"a":"\\u0032\\u0031\\u0039-09-9999'])(
    'lets nothing through in arguments that are no good: %s',
    async (args) => {
      const { masked } = await screen(responses([{ type: 'function_call', name: 'f', call_id: 'c', arguments: args }]));
      expect(masked.toString()).not.toContain('09-9999');
      expect(JSON.parse(masked.toString())).toBeTruthy();
    },
  );

  it('lets nothing through in many kilobytes of them either, wherever a window ends', async () => {
    for (const filler of [10_913, 10_919, 10_922, 21_844]) {
      const args = `{"a":"${'\\u0041 \\n'.repeat(filler / 2)} \\u0032\\u0031\\u0039-09-9999 and ${SSN}`;
      const { masked } = await screen(responses([{ type: 'function_call', name: 'f', call_id: 'c', arguments: args }]));
      expect(masked.toString()).not.toContain('09-9999');
    }
  });

  it('handles arguments of many kilobytes as it does short ones', async () => {
    const big = JSON.stringify({ rows: Array.from({ length: 2_000 }, (_, i) => ({ i, text: `line "${i}" \n of the file` })), ssn: SSN });
    const { masked } = await screen(responses([{ type: 'function_call', name: 'write', call_id: 'c', arguments: big }]));
    const [item] = (JSON.parse(masked.toString()) as { input: [{ arguments: string }] }).input;
    expect(item.arguments).toBe(big.replace(SSN, mask(SSN)));
  });

  it('does not take pictures for text, nor text for pictures', async () => {
    const data = `data:image/png;base64,${'QUJD'.repeat(50)}`;
    const parts = (url: string): unknown => [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }];
    expect((await screen(responses(parts(data)))).masks).toEqual([]);
    expect((await screen(responses(parts(`https://example.com/?ssn=${SSN}`)))).masked.toString()).not.toContain(SSN);
    const drawn = { type: 'image_generation_call', id: 'ig', result: `${SSN} QUJD` };
    expect((await screen(responses([drawn]))).masked.toString()).toContain(SSN);
    expect((await screen(responses([{ type: 'program_output', call_id: 'c', result: `${SSN} QUJD` }]))).masked.toString()).not.toContain(
      SSN,
    );
  });

  it('takes a bare string for what the user says', async () => {
    const { masked, summary, promptDigest } = await screen(responses(`I am ${SSN}`));
    expect(masked.toString()).toBe(responses(mask(`I am ${SSN}`)));
    expect(summary).toBe(mask(`I am ${SSN}`));
    expect(promptDigest).not.toBeNull();
  });
});

describe('masking a Chat Completions request', () => {
  it('reaches every role, and parts of content', async () => {
    const messages = (text: string): unknown[] => [
      { role: 'system', content: text },
      { role: 'developer', content: [{ type: 'text', text }] },
      { role: 'user', name: 'ann', content: [{ type: 'text', text }] },
      { role: 'assistant', content: text, refusal: text },
      { role: 'tool', tool_call_id: 'c', content: text },
      { role: 'function', name: 'f', content: text },
    ];
    const { masked, masks } = await screen(chat(messages(`it is ${SSN}`)), {}, CHAT);
    expect(masked.toString()).toBe(chat(messages(mask(`it is ${SSN}`))));
    expect(masks).toMatchObject([{ count: 7 }]);
  });

  it('names the tools it offers, in every form of them', async () => {
    const tools = [
      { type: 'function', function: { name: 'a', parameters: {} } },
      { type: 'custom', custom: { name: 'b' } },
      { type: 'web_search' },
    ];
    expect((await screen(chat([], { tools, functions: [{ name: 'c' }] }), {}, CHAT)).tools).toEqual(['a', 'b', 'web_search', 'c']);
  });
});

describe('content the provider keeps', () => {
  const rules = async (body: string, route = RESPONSES, allow = false): Promise<string[]> =>
    (await screen(body, { allow }, route)).verdict.rules.map(({ policy, action, reason }) => `${policy} ${action} ${reason.slice(0, 32)}`);

  it.each([
    ['an answer that is kept because nothing was said about it', '{"model":"m","input":"x"}'],
    ['an answer that is kept', responses('x', { store: true })],
    ['an answer to an answer', responses('x', { previous_response_id: 'resp_1' })],
    ['a conversation', responses('x', { conversation: { id: 'conv_1' } })],
    ['a stored prompt', responses('x', { prompt: { id: 'pmpt_1' } })],
    ['an answer in the background', responses('x', { background: true })],
    ['an item by its id', responses([{ type: 'item_reference', id: 'msg_1' }])],
    ['a file by its id', responses([{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }])],
    ['a vector store', responses('x', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] })],
    ['a container', responses('x', { tools: [{ type: 'code_interpreter', container: 'cntr_1' }] })],
  ])('%s is refused unless the connection allows it', async (_name, body) => {
    const { verdict, masked } = await screen(body);
    expect(verdict).toMatchObject({ action: 'block', rules: [{ policy: 'affiant:provider-state', action: 'block' }] });
    expect(masked.toString()).toBe(body);
    expect(await rules(body, RESPONSES, true)).toEqual([]);
  });

  it('is decided anew for what was seen before: a scan that is remembered does not remember the connection', async () => {
    const body = responses([
      { type: 'item_reference', id: 'msg_again' },
      { role: 'user', content: 'long '.repeat(3_000) },
    ]);
    expect(await rules(body)).toHaveLength(1);
    expect(await rules(body, RESPONSES, true)).toHaveLength(0);
    expect(await rules(body)).toHaveLength(1);
  });

  it('is not asked for by these', async () => {
    expect(await rules(responses('x', { background: false, previous_response_id: null, conversation: null }))).toEqual([]);
    expect(await rules(chat([]), CHAT)).toEqual([]);
    expect(await rules(chat([], { store: false }), CHAT)).toEqual([]);
    expect(await rules(chat([], { store: true }), CHAT)).toHaveLength(1);
    expect(
      await rules(
        responses('x', {
          tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: { file_id: { type: 'string' } } } }],
        }),
      ),
    ).toEqual([]);
  });

  it('speech is refused where policy reads answers', async () => {
    const body = chat([], { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } });
    expect((await screen(body, {}, CHAT)).verdict.action).toBe('block');
    expect((await screen(body, { detector: null }, CHAT)).verdict.action).toBe('allow');
  });
});

describe('which call it is', () => {
  it('is the same streamed or not, and another when anything else differs', async () => {
    const digest = async (body: string, route = RESPONSES): Promise<string> => (await screen(body, {}, route)).callDigest.toString('hex');
    const plain = await digest(responses('x'));
    expect(await digest(responses('x', { stream: true }))).toBe(plain);
    expect(await digest(responses('y'))).not.toBe(plain);
    expect(await digest(responses('x', { temperature: 1 }))).not.toBe(plain);
    expect(await digest(chat([], { stream: true, stream_options: { include_usage: true } }), CHAT)).toBe(await digest(chat([]), CHAT));
  });

  it('names a session only by a key that looks like one', async () => {
    const id = '0190b3a1-7f2e-7c3d-8e4f-0123456789ab';
    expect((await screen(responses('x', { prompt_cache_key: id }))).sessionHint).toBe(id);
    expect((await screen(responses('x', { prompt_cache_key: 'everybody' }))).sessionHint).toBeNull();
  });
});

describe('hostile bodies', () => {
  it.each([
    ['no JSON', 'hello'],
    ['an array', '[]'],
    ['a key twice', '{"input":"a","input":"b","store":false}'],
    ['a key twice, deep', '{"store":false,"input":[{"role":"user","content":"a","content":"b"}]}'],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xc3, 0x22, 0x7d])],
    ['a bad escape', '{"store":false,"input":"\\x41"}'],
    ['deep nesting', `{"store":false,"input":${'['.repeat(2_000)}${']'.repeat(2_000)}}`],
    ['half a body', responses('x').slice(0, -2)],
  ])('%s is refused', async (_name, body) => {
    await expect(screen(body)).rejects.toMatchObject({ code: 'body_invalid' });
  });
});
