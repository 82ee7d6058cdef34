import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import { ENTITIES } from '../shared/testing/entities.js';
import { feed } from '../shared/testing/feed.js';
import { ALL_TYPES, testContext, testPlaceholder } from '../shared/testing/policies.js';
import { OpenaiProtocol } from './openai-protocol.js';
import { chunk, deltasOf, DONE, eventsOf, ResponsesEvents, wholesOf } from './testing/streams.js';
import { inOnePiece } from '../shared/testing/in-one-piece.js';

/** 10,000 random cases more: values in any text, in any deltas and any chunks, at every place of an answer. */
const protocol = new OpenaiProtocol();
const detector = createDetector(ALL_TYPES);
const mask = (text: string): string => maskText(text, detector.scan(text), testPlaceholder);
const plain = testContext();
const masking = testContext({ toolInput: 'mask' });

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ENTITIES.map(({ value }) => value)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(' ', ' and ', '\n', '😀', 'é', '"', '\\', '\\u0031', ': ', '-', 'SSN ', 'account number: ', '. '),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
);
const words = fc.array(word, { maxLength: 8 }).map((parts) => parts.join(''));
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

function pieces<T extends string | Buffer>(whole: T, at: readonly number[]): T[] {
  const places = [0, ...at.map((fraction) => Math.floor(fraction * whole.length)).sort((a, b) => a - b), whole.length];
  return places
    .slice(1)
    .map((place, i) => (typeof whole === 'string' ? whole.slice(places[i]!, place) : whole.subarray(places[i]!, place)) as T);
}

function screened(stream: string, rawCuts: readonly number[], context = plain): Buffer {
  const screener = protocol.screenResponse(context, { status: 200, contentType: 'text/event-stream' });
  const { released, blocked } = feed(screener, pieces(Buffer.from(stream), rawCuts));
  expect(blocked).toBeNull();
  return released;
}

describe('answers, at random', () => {
  it('Responses text is the text masked as a whole, at all its places, and events stay numbered', () => {
    fc.assert(
      fc.property(words, words, cuts, cuts, cuts, (first, second, firstCuts, secondCuts, rawCuts) => {
        const stream = new ResponsesEvents().reasoning(pieces(first, firstCuts), 'gAAAAB').message(pieces(second, secondCuts)).end();
        const released = screened(stream, rawCuts);
        const deltas = deltasOf(released);
        expect(deltas.get('0 reasoning_summary_text') ?? '').toBe(mask(first));
        expect(deltas.get('1 output_text') ?? '').toBe(mask(second));
        const events = eventsOf(released);
        const numbers = events.map((event) => (event as { sequence_number: number }).sequence_number);
        expect(numbers).toEqual(numbers.map((_, i) => i));
        const last = events.at(-1) as { response: { output: unknown } };
        expect(wholesOf(last.response.output)).toEqual([mask(first), mask(second)].filter((text) => text !== ''));
      }),
      { numRuns: 3_000 },
    );
  });

  it('arguments are the arguments with their strings masked, at all their places', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 3 }), cuts, cuts, (values, deltaCuts, rawCuts) => {
        const input = JSON.stringify({ list: values.map((text) => `${'-'.repeat(200)} ${text}`), n: 1.5 });
        const released = screened(new ResponsesEvents().call('f', pieces(input, deltaCuts)).end(), rawCuts, masking);
        const expected = { list: values.map((text) => mask(`${'-'.repeat(200)} ${text}`)), n: 1.5 };
        const found = [
          deltasOf(released).get('0 function_call_arguments')!,
          ...wholesOf(eventsOf(released).filter((event) => !String((event as { type: string }).type).endsWith('.delta'))),
        ];
        expect(found).toHaveLength(4);
        // Torn surrogates cannot be told from U+FFFD once they are bytes; compared as bytes both are the same.
        for (const one of found)
          expect(Buffer.from(JSON.stringify(JSON.parse(one))).toString()).toBe(Buffer.from(JSON.stringify(expected)).toString());
      }),
      { numRuns: 1_500 },
    );
  });

  it('choices that come side by side are each masked for themselves', () => {
    const turn = fc.record({ index: fc.integer({ min: 0, max: 2 }), text: words });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 8 }), cuts, (turns, rawCuts) => {
        const say = (index: number, delta: object, finish_reason: string | null = null): string =>
          chunk([{ index, delta, logprobs: null, finish_reason }]);
        const stream =
          [0, 1, 2].map((index) => say(index, { role: 'assistant', content: '' })).join('') +
          turns.map(({ index, text }) => say(index, { content: text })).join('');
        const released = screened(stream + [2, 0, 1].map((index) => say(index, {}, 'stop')).join('') + DONE, rawCuts);
        const texts = deltasOf(released);
        for (const index of [0, 1, 2])
          expect(texts.get(`${index} content`) ?? '').toBe(mask(turns.map((one) => (one.index === index ? one.text : '')).join('')));
        expect(released.toString().endsWith(DONE)).toBe(true);
      }),
      { numRuns: 2_500 },
    );
  });

  it('whole answers change in their values and in no other byte', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 4 }), cuts, (texts, rawCuts) => {
        const answer = (say: (text: string) => string): string =>
          JSON.stringify({
            object: 'response',
            output: texts.map((text) => ({ type: 'message', id: 'm', content: [{ type: 'output_text', text: say(text) }] })),
            usage: null,
          });
        const screener = protocol.screenResponse(plain, { status: 200, contentType: 'application/json' });
        const { released } = feed(screener, pieces(Buffer.from(answer((text) => text)), rawCuts));
        expect(released.toString()).toBe(answer(mask));
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('requests, at random', () => {
  const item = fc.oneof(
    words.map((content) => ({ role: 'user', content })),
    words.map((text) => ({ role: 'user', content: [{ type: 'input_text', text }] })),
    words.map((output) => ({ type: 'function_call_output', call_id: 'c', output })),
    words.map((text) => ({ type: 'reasoning', summary: [{ type: 'summary_text', text }], encrypted_content: text })),
    words.map((text) => ({ role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] })),
  );
  const route = protocol.route('POST', '/v1/responses')!;

  function expected(value: unknown, key = ''): unknown {
    if (typeof value === 'string') return ['text', 'content', 'output', 'instructions', 'input'].includes(key) ? mask(value) : value;
    if (Array.isArray(value)) return value.map((element) => expected(element, key));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, expected(member, name)]));
    return value;
  }

  it('change values in text and no other byte; the pieces are the body; a second time gives the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(words, fc.array(item, { maxLength: 6 })), words, async (input, instructions) => {
        const body = { model: 'm', instructions, input, store: false, stream: true };
        const bytes = Buffer.from(JSON.stringify(body));
        const first = await inOnePiece(protocol.screenRequest(bytes, route, plain));
        expect(first.masked.toString()).toBe(JSON.stringify(expected(body)));
        expect(Buffer.concat(first.pieces.map((piece) => piece.bytes)).equals(first.masked)).toBe(true);
        const again = await inOnePiece(protocol.screenRequest(Buffer.from(bytes), route, plain));
        expect(again.masked.equals(first.masked)).toBe(true);
        expect(again.callDigest.equals(first.callDigest)).toBe(true);
      }),
      { numRuns: 1_500 },
    );
  });
});
