import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import type { ResponseScreener, ScreenContext } from './protocol.js';
import { AnthropicProtocol } from './anthropic/index.js';
import { assembled, MESSAGE_END, MESSAGE_START, sse, textBlock, toolBlock } from './anthropic/testing/streams.js';
import { OpenaiProtocol } from './openai/index.js';
import { chatText, deltasOf, DONE, eventsOf, ResponsesEvents, USAGE } from './openai/testing/streams.js';
import { ENTITIES } from './shared/testing/entities.js';
import { feed, type Run } from './shared/testing/feed.js';
import { ALL_TYPES, testPlaceholder, type TestPolicy } from './shared/testing/policies.js';
import { restoringContext } from './shared/testing/restoring.js';
import { inOnePiece } from './shared/testing/in-one-piece.js';

const anthropic = new AnthropicProtocol();
const openai = new OpenaiProtocol();
const SSN = '219-09-9999';
const ACCOUNT = '000123456789';
const HELD = testPlaceholder('us_ssn', SSN);
const ACCOUNT_HELD = testPlaceholder('us_bank_account', ACCOUNT);
const BROUGHT = [`My SSN is ${SSN}`, `account number: ${ACCOUNT}`, 'mail ann.lee@mail.example.com'];
const STREAM = { status: 200, contentType: 'text/event-stream' };
const JSON_HEAD = { status: 200, contentType: 'application/json' };

const detector = createDetector(ALL_TYPES);
const mask = (text: string): string => maskText(text, detector.scan(text), testPlaceholder);
const events = (stream: string): Buffer[] => stream.split(/(?<=\n\n)/).map((event) => Buffer.from(event));
const wrap = (blocks: string): string => MESSAGE_START + blocks + MESSAGE_END;
const stream = (context: ScreenContext, blocks: string): Run & { screener: ResponseScreener } => {
  const screener = anthropic.screenResponse(context, STREAM);
  return { ...feed(screener, events(wrap(blocks))), screener };
};
const textOf = (bytes: Buffer): string | undefined => assembled(bytes).get('0 text');
const brought = (options: TestPolicy = {}) => restoringContext(anthropic, BROUGHT, options);

describe('what is given back', () => {
  it('is counted by type, policy and place', async () => {
    const { screener } = stream(await brought(), textBlock([`${HELD} and ${HELD}`]) + toolBlock('f', [`{"a":"${HELD}"}`], 1));
    expect(screener.facts().restored).toEqual([
      { entity: 'us_ssn', policy: 'customer-data', place: 'text', count: 2 },
      { entity: 'us_ssn', policy: 'customer-data', place: 'tool_input', count: 1 },
    ]);
    expect(screener.facts().masks).toEqual([]);
  });

  it('is nothing where policy does not say so', async () => {
    const { released, recorded } = stream(
      await brought({ restore: ['text'] }),
      textBlock([HELD]) + toolBlock('f', [JSON.stringify({ a: HELD })], 1),
    );
    expect(textOf(released)).toBe(SSN);
    expect(assembled(released).get('1 partial_json')).toBe(JSON.stringify({ a: HELD }));
    expect(textOf(recorded)).toBe(HELD);
  });

  it('is nothing that this request did not bring', async () => {
    const context = await restoringContext(anthropic, [`I write ${HELD} and mean nothing`, 'mail ann@bank.example']);
    const { released } = stream(context, textBlock([`${HELD} [US_SSN:00000000] [EMAIL:00000000]`]));
    expect(textOf(released)).toBe(`${HELD} [US_SSN:00000000] [EMAIL:00000000]`);
  });

  it('leaves thinking alone', async () => {
    const thinking =
      sse('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }) +
      sse('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: HELD } }) +
      sse('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } }) +
      sse('content_block_stop', { index: 0 });
    const { released } = stream(await brought(), thinking + textBlock([HELD], 1));
    expect(assembled(released).get('0 thinking')).toBe(HELD);
    expect(assembled(released).get('1 text')).toBe(SSN);
  });

  it('goes with what the model itself wrote: that is masked as ever', async () => {
    const { released, recorded } = stream(await brought(), textBlock([`${HELD}, not 536-90-4399.`]));
    expect(textOf(released)).toBe(`${SSN}, not ${mask('536-90-4399')}.`);
    expect(textOf(recorded)).toBe(`${HELD}, not ${mask('536-90-4399')}.`);
  });

  it('stays masked where the next turn would not find the value again', async () => {
    const { released } = stream(await brought(), textBlock([`The number is ${ACCOUNT_HELD}; account number: ${ACCOUNT_HELD}.`]));
    expect(textOf(released)).toBe(`The number is ${ACCOUNT_HELD}; account number: ${ACCOUNT}.`);
    const tool = stream(await brought(), toolBlock('f', [JSON.stringify({ n: ACCOUNT_HELD, account_number: ACCOUNT_HELD, ssn: HELD })]));
    expect(assembled(tool.released).get('0 partial_json')).toBe(JSON.stringify({ n: ACCOUNT_HELD, account_number: ACCOUNT, ssn: SSN }));
    const glued = stream(await brought(), textBlock([`9${HELD}${HELD}9 ${HELD}`]));
    expect(mask(textOf(glued.released)!)).toBe(textOf(glued.recorded));
  });

  it('holds back no bracket that is not the beginning of a placeholder', async () => {
    const screener = anthropic.screenResponse(await brought({ detector: createDetector(['us_ssn', 'us_bank_account', 'email']) }), STREAM);
    feed({ ...bare(screener), end: () => ({ release: [] }) }, events(MESSAGE_START));
    const sent = (pieces: string[]): string =>
      textOf(
        Buffer.concat(
          events(textBlock(pieces))
            .slice(0, -1)
            .flatMap((event) => screener.push(event).release),
        ),
      ) ?? '';
    expect(sent(['see the list [1] and [US_X and [link](to) here: [UK, [US_SSN:zz '])).toBe(
      'see the list [1] and [US_X and [link](to) here: [UK, [US_SSN:zz ',
    );
    expect(sent(['and then [US_SSN:21'])).toBe('and then ');
  });

  it('is judged as it is shown and carried out; people see what stands for it', async () => {
    const when = { responseText: [/219-09/, 'block'], toolInput: [/219-09/, 'hold'] } as const;
    const text = stream(await brought({ when: { responseText: when.responseText } }), textBlock(['It is ', HELD]));
    expect(text.blocked?.rules[0]?.policy).toBe('response-text');
    expect(text.released.includes(HELD)).toBe(false);
    for (const grant of [true, false]) {
      const context = await brought({ when: { toolInput: when.toolInput } });
      const held = feed(anthropic.screenResponse(context, STREAM), events(wrap(toolBlock('f', [JSON.stringify({ a: HELD })]))), grant);
      expect(held.held[0]?.summary).toBe(JSON.stringify({ a: HELD }));
      expect(held.released.includes(SSN)).toBe(grant);
      expect(held.recorded.includes(SSN)).toBe(false);
    }
    // What names the placeholder itself counts too.
    const named = stream(await brought({ when: { toolInput: [/\[US_SSN:/, 'block'] } }), toolBlock('f', [JSON.stringify({ a: HELD })]));
    expect(named.blocked).not.toBeNull();
  });

  it('is nothing in names of members or broken JSON', async () => {
    const names = stream(await brought(), toolBlock('f', [JSON.stringify({ [HELD]: 1 })]));
    expect(assembled(names.released).get('0 partial_json')).toBe(JSON.stringify({ [HELD]: 1 }));
    const broken = stream(await brought(), toolBlock('f', [`{"a":"${HELD}`]));
    expect(broken.released.includes(SSN)).toBe(false);
  });

  it('works where policy reads no answers otherwise', async () => {
    const { policy, ...context } = await brought();
    const { released, recorded } = stream(
      { ...context, policy: { ...policy, responseDetector: null } },
      textBlock(['It is [US_', HELD.slice(4)]),
    );
    expect(textOf(released)).toBe(`It is ${SSN}`);
    expect(textOf(recorded)).toBe(`It is ${HELD}`);
  });
});

describe('documents', () => {
  it('of the Messages API give values back in text and tool inputs, as JSON writes them', async () => {
    const secret = 'Tr0ub4dor&3"\\x';
    const asked = `My SSN is ${SSN}, password=${secret}\n.`;
    const context = await restoringContext(anthropic, [asked]);
    const placeholder = context.values.find(({ type }) => type === 'secret')!;
    const echo = `My SSN is ${HELD}, password=${placeholder.placeholder}\n.`;
    const content = (text: string): unknown => [
      { type: 'thinking', thinking: HELD, signature: 'c2ln' },
      { type: 'text', text },
      { type: 'tool_use', id: 't', name: 'f', input: { ssn: text.includes(SSN) ? SSN : HELD, note: text } },
    ];
    const answer = (text: string): string =>
      JSON.stringify({ type: 'message', role: 'assistant', content: content(text), usage: {} }, null, 1);
    const run = feed(anthropic.screenResponse(context, JSON_HEAD), [Buffer.from(answer(echo))]);
    expect(run.released.toString()).toBe(answer(echo.replace(HELD, SSN).replace(placeholder.placeholder, placeholder.value)));
    expect(run.recorded.toString()).toBe(answer(echo));
  });

  it('of the OpenAI APIs too; offsets of annotations follow', async () => {
    const context = await restoringContext(openai, BROUGHT);
    const text = `It is ${HELD} here.`;
    const document = (said: string, input: string, end: number): string =>
      JSON.stringify({
        object: 'response',
        status: 'completed',
        output: [
          {
            type: 'message',
            content: [{ type: 'output_text', text: said, annotations: [{ type: 'url_citation', start_index: 6, end_index: end }] }],
          },
          { type: 'function_call', name: 'f', call_id: 'c', arguments: JSON.stringify({ ssn: input }) },
          { type: 'local_shell_call', call_id: 'd', action: { type: 'exec', command: ['echo', `my ssn ${input}`] } },
        ],
      });
    const run = feed(openai.screenResponse(context, JSON_HEAD), [Buffer.from(document(text, HELD, 6 + HELD.length))]);
    expect(run.released.toString()).toBe(document(text.replace(HELD, SSN), SSN, 6 + SSN.length));
    expect(run.recorded.toString()).toBe(document(text, HELD, 6 + HELD.length));
  });

  it('of errors are left as they are', async () => {
    const body = JSON.stringify({ type: 'error', error: { type: 'x', message: HELD } });
    for (const protocol of [anthropic, openai]) {
      const context = await restoringContext(protocol, BROUGHT);
      const { released } = feed(protocol.screenResponse(context, { ...JSON_HEAD, status: 400 }), [Buffer.from(body)]);
      expect(released.toString()).toBe(body);
    }
  });
});

describe('OpenAI streams', () => {
  it('number their events, empty log probabilities and shift offsets for the client and the trail each', async () => {
    const context = await restoringContext(openai, BROUGHT);
    const citation = { type: 'url_citation', url: 'https://x.example', title: 't', start_index: 6, end_index: 6 + HELD.length };
    const text = ['It is ', HELD.slice(0, 5), HELD.slice(5, 9), HELD.slice(9), ' here.'];
    const run = feed(
      openai.screenResponse(context, STREAM),
      events(new ResponsesEvents().message(text, { annotations: [citation], logprobs: true }).end()),
    );
    for (const [bytes, length] of [
      [run.released, SSN.length],
      [run.recorded, HELD.length],
    ] as const) {
      const all = eventsOf(bytes).filter((event) => typeof event !== 'string');
      const ends = JSON.stringify(all).match(/"end_index":\d+/g);
      expect(new Set(ends)).toEqual(new Set([`"end_index":${6 + length}`]));
      expect(JSON.stringify(all)).not.toContain('"token"');
    }
    const numbers = eventsOf(run.released).flatMap((event) => (typeof event === 'string' ? [] : [event['sequence_number']]));
    expect(numbers).toEqual(numbers.map((_, i) => i));
  });

  it('with choices side by side keep them apart', async () => {
    const context = await restoringContext(openai, BROUGHT);
    const run = feed(
      openai.screenResponse(context, STREAM),
      events(chatText([`a ${HELD}`], 0) + chatText([`b ${HELD}`], 1) + USAGE + DONE),
    );
    expect([...deltasOf(run.released).values()]).toEqual(expect.arrayContaining([`a ${SSN}`, `b ${SSN}`]));
    expect(run.recorded.includes(SSN)).toBe(false);
  });
});

describe('at random', () => {
  const texts = ENTITIES.map(({ text }) => text);
  const parts = fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          ' ',
          '\n',
          ', ',
          'ok',
          'the ',
          ' account ',
          'SSN ',
          '12',
          '-',
          '😀',
          '"',
          '\\',
          '[',
          '[US_',
          ']',
          '[US_SSN:',
          'x@',
        ),
      },
      { weight: 3, arbitrary: fc.nat({ max: texts.length - 1 }).map((i) => ({ placeholder: i })) },
      { weight: 1, arbitrary: fc.constantFrom(...texts.map(mask)) },
    ),
    { maxLength: 10 },
  );
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 10 });
  const pieces = (whole: string, at: readonly number[]): string[] => {
    const places = [0, ...at.map((fraction) => Math.floor(fraction * whole.length)).sort((a, b) => a - b), whole.length];
    return places.slice(1).map((place, i) => whole.slice(places[i]!, place));
  };

  it('masking the caller’s text gives the trail’s again, whole or in pieces, and the trail has no value', async () => {
    const context = await restoringContext(anthropic, texts);
    const held = context.values.map(({ placeholder }) => placeholder);
    let restored = 0;
    fc.assert(
      fc.property(parts, cuts, (some, at) => {
        const text = some.map((part) => (typeof part === 'string' ? part : held[part.placeholder % held.length]!)).join('');
        const run = stream(context, textBlock(pieces(text, at)));
        const client = textOf(run.released) ?? '';
        expect(textOf(run.recorded) ?? '').toBe(mask(text));
        const whole = stream(context, textBlock([text]));
        expect(textOf(whole.released) ?? '').toBe(client);
        expect(mask(client)).toBe(mask(text));
        restored += run.screener.facts().restored?.length ?? 0;
      }),
      { numRuns: 1_000, seed: 91 },
    );
    expect(restored).toBeGreaterThan(300);
  });

  it('the next turn sends upstream what it wrote, in text and tool inputs', async () => {
    const context = await restoringContext(anthropic, texts);
    const held = context.values.map(({ placeholder }) => placeholder);
    const fill = (some: readonly (string | { placeholder: number })[]): string =>
      some.map((part) => (typeof part === 'string' ? part : held[part.placeholder % held.length]!)).join('');
    await fc.assert(
      fc.asyncProperty(parts, fc.array(parts, { maxLength: 3 }), async (said, inputs) => {
        const input = { note: inputs.map(fill), ssn: fill(inputs[0] ?? []) };
        const run = stream(context, textBlock([`. ${fill(said)}`]) + toolBlock('f', [JSON.stringify(input)], 1));
        const turn = (bytes: Buffer): unknown => ({
          model: 'm',
          messages: [
            { role: 'user', content: 'hello' },
            {
              role: 'assistant',
              content: [
                { type: 'text', text: textOf(bytes) },
                { type: 'tool_use', id: 't', name: 'f', input: JSON.parse(assembled(bytes).get('1 partial_json')!) as unknown },
              ],
            },
          ],
        });
        const route = anthropic.route('POST', '/v1/messages')!;
        const next = await inOnePiece(anthropic.screenRequest(Buffer.from(JSON.stringify(turn(run.released))), route, context));
        expect(next.masked.toString()).toBe(JSON.stringify(turn(run.recorded)));
      }),
      { numRuns: 300, seed: 91 },
    );
  });
});

/** A screener's own methods, to be spread. */
function bare(screener: ResponseScreener): ResponseScreener {
  return {
    push: screener.push.bind(screener),
    end: screener.end.bind(screener),
    pushing: screener.pushing.bind(screener),
    ending: screener.ending.bind(screener),
    resolve: screener.resolve.bind(screener),
    facts: screener.facts.bind(screener),
    bufferedBytes: 0,
  };
}
