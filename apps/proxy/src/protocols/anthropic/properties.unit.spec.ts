import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector, maskText } from '#detect';
import { AnthropicProtocol } from './anthropic-protocol.js';
import { ENTITIES } from '../shared/testing/entities.js';
import { ALL_TYPES, testContext, testPlaceholder } from '../shared/testing/policies.js';
import { feed } from '../shared/testing/feed.js';
import { assembled, MESSAGE_END, MESSAGE_START, sse, textBlock, toolBlock } from './testing/streams.js';
import { inOnePiece } from '../shared/testing/in-one-piece.js';

const detector = createDetector(ALL_TYPES);
const mask = (text: string): string => maskText(text, detector.scan(text), testPlaceholder);
const protocol = new AnthropicProtocol();
const ROUTE = protocol.route('POST', '/v1/messages')!;

const filler = fc.oneof(
  fc.constantFrom(' ', '\n', ', ', 'ok', 'the ', ' account ', '12', '-', '😀', '\u200d', 'é', '"', '\\', '[US_SSN:12345678]', 'x@', '1.5 '),
  fc.string({ maxLength: 6, unit: 'binary' }),
);
const words = fc
  .array(fc.oneof({ weight: 3, arbitrary: filler }, { weight: 1, arbitrary: fc.constantFrom(...ENTITIES.map(({ text }) => text)) }), {
    maxLength: 9,
  })
  .map((parts) => parts.join(''));
/** Places to cut, as fractions. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

function pieces<T extends { length: number; slice(from: number, to: number): T }>(whole: T, at: readonly number[]): T[] {
  const places = [0, ...at.map((fraction) => Math.floor(fraction * whole.length)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((place, i) => whole.slice(places[i]!, place));
}

function run(stream: string, rawCuts: readonly number[], toolInput: 'mask' | 'block' = 'mask'): Map<string, string> {
  const bytes = Buffer.from(stream);
  const screener = protocol.screenResponse(testContext({ toolInput }), { status: 200, contentType: 'text/event-stream' });
  const places = [0, ...rawCuts.map((fraction) => Math.floor(fraction * bytes.length)).sort((a, b) => a - b), bytes.length];
  return assembled(
    feed(
      screener,
      places.slice(1).map((place, i) => Buffer.from(bytes.subarray(places[i]!, place))),
    ).released,
  );
}

describe('streams, at random', () => {
  it('text in any deltas and any chunks is the text masked as a whole; surrogates may be torn', () => {
    fc.assert(
      fc.property(words, words, cuts, cuts, cuts, (first, second, firstCuts, secondCuts, rawCuts) => {
        const thinking =
          sse('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }) +
          sse('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: first } }) +
          sse('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: second } }) +
          sse('content_block_stop', { index: 0 });
        const stream =
          MESSAGE_START +
          thinking +
          textBlock(pieces(first, firstCuts), 1) +
          sse('ping') +
          textBlock(pieces(second, secondCuts), 2) +
          MESSAGE_END;
        const texts = run(stream, rawCuts);
        expect(texts.get('1 text')).toBe(mask(first));
        expect(texts.get('2 text')).toBe(mask(second));
        expect(texts.get('0 thinking') ?? '').toBe(first);
        expect(texts.get('0 signature') ?? '').toBe(second);
      }),
      { numRuns: 2_500 },
    );
  });

  it('tool input in any deltas and chunks is the input with its strings masked', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 4 }), cuts, cuts, (values, deltaCuts, rawCuts) => {
        const input = { list: values, nested: { deep: values[0] ?? '' }, n: 1.5, flag: true };
        const masked = {
          list: values.map(maskLabelled('list')),
          nested: { deep: maskLabelled('deep')(values[0] ?? '') },
          n: 1.5,
          flag: true,
        };
        const texts = run(MESSAGE_START + toolBlock('lookup', pieces(JSON.stringify(input), deltaCuts)) + MESSAGE_END, rawCuts);
        // Torn surrogates cannot be told from U+FFFD once they are bytes; compared as bytes both are the same.
        expect(Buffer.from(JSON.stringify(JSON.parse(texts.get('0 partial_json')!))).toString()).toBe(
          Buffer.from(JSON.stringify(masked)).toString(),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

/** What masking a short string gives when its member name is read along. */
function maskLabelled(label: string): (text: string) => string {
  return (text) => {
    if (Buffer.byteLength(JSON.stringify(text)) - 2 > 200) return mask(text);
    const prefix = `${label}: `;
    const spans = detector
      .scan(prefix + text)
      .map((span) => ({ ...span, start: Math.max(0, span.start - prefix.length), end: span.end - prefix.length }))
      .filter((span) => span.end > 0);
    return maskText(text, spans, testPlaceholder);
  };
}

describe('requests, at random', () => {
  const block = fc.oneof(
    words.map((text) => ({ type: 'text', text })),
    words.map((content) => ({ type: 'tool_result', tool_use_id: 't', content })),
    words.map((thinking) => ({ type: 'thinking', thinking, signature: 'c2ln' })),
    words.map((data) => ({ type: 'image', source: { type: 'base64', data } })),
    words.map((text) => ({ text, citations: [{ cited_text: text, encrypted_index: text }], type: 'text' })),
  );
  const message = fc.record({ role: fc.constantFrom('user', 'assistant'), content: fc.oneof(words, fc.array(block, { maxLength: 3 })) });

  /** The same request as an object, masked by hand. */
  function expected(value: unknown, key = ''): unknown {
    if (typeof value === 'string') return ['text', 'content', 'cited_text', 'system'].includes(key) ? mask(value) : value;
    if (Array.isArray(value)) return value.map((item) => expected(item, key));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, expected(item, name)]));
    return value;
  }

  it('change values in text and no other byte; the pieces are the body; a second time gives the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 6 }), fc.option(words, { nil: undefined }), async (messages, system) => {
        const body = { model: 'm', max_tokens: 5, messages, ...(system === undefined ? {} : { system }), stream: true };
        const bytes = Buffer.from(JSON.stringify(body));
        const screened = await inOnePiece(protocol.screenRequest(bytes, ROUTE, testContext()));
        expect(screened.masked.toString()).toBe(JSON.stringify(expected(body)));
        expect(Buffer.concat(screened.pieces.map((piece) => piece.bytes)).equals(screened.masked)).toBe(true);
        if (screened.masks.length === 0) expect(screened.masked).toBe(bytes);
        const again = await inOnePiece(protocol.screenRequest(Buffer.from(bytes), ROUTE, testContext()));
        expect(again.masked.equals(screened.masked)).toBe(true);
        expect(again.callDigest.equals(screened.callDigest)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
