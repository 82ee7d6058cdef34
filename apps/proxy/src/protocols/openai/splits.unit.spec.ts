import { afterAll, describe, expect, it } from 'vitest';
import { maskText } from '#detect';
import { ALL_ENTITIES, allDetector, ENTITIES } from '../shared/testing/entities.js';
import { eachByte, feed } from '../shared/testing/feed.js';
import { restoringContext } from '../shared/testing/restoring.js';
import { testContext, testPlaceholder, type TestPolicy } from '../shared/testing/policies.js';
import { OpenaiProtocol } from './openai-protocol.js';
import { chatCall, chatText, deltasOf, DONE, eventsOf, ResponsesEvents, USAGE, wholesOf } from './testing/streams.js';

/** Every entity x every split position x every event family: nothing unmasked reaches the client, same text as masking the whole, at every place. */
const protocol = new OpenaiProtocol();
const whole = new Map(ALL_ENTITIES.map(({ text }) => [text, maskText(text, allDetector.scan(text), testPlaceholder)]));
const mask = (text: string): string => whole.get(text)!;
const json = (text: string): string => JSON.stringify({ note: text, n: 1 });
/** A letter written as JSON may write any letter. */
const escape = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
const escapedJson = (text: string): string => `{"note":"${text.split('').map(escape).join('')}"}`;

/** The raw bytes are cut before any event is told from another: some families stand for all. */
const RAW = new Set(['responses text', 'responses arguments, escaped', 'chat text', 'chat arguments']);

interface Family {
  readonly name: string;
  readonly policy?: TestPolicy;
  /** What is cut into pieces. */
  readonly content?: (text: string) => string;
  readonly expected?: (text: string) => string;
  readonly stream: (pieces: readonly string[]) => string;
  /** How many whole places say the same. */
  readonly wholes: number;
}

const masking: TestPolicy = { toolInput: 'mask' };
const contexts = { plain: testContext({ detector: allDetector }), masking: testContext({ detector: allDetector, ...masking }) };
const delta = (family: string, more: Record<string, unknown> = {}) => {
  return (pieces: readonly string[]): string => {
    const at = { item_id: 'i', output_index: 0, ...more };
    const events = new ResponsesEvents();
    for (const piece of pieces) events.event(`response.${family}.delta`, { ...at, delta: piece });
    return events.event(`response.${family}.done`, { ...at, text: pieces.join('') }).end();
  };
};

const FAMILIES: readonly Family[] = [
  { name: 'responses text', stream: (pieces) => new ResponsesEvents().message(pieces).end(), wholes: 4 },
  { name: 'responses reasoning summary', stream: (pieces) => new ResponsesEvents().reasoning(pieces, 'gAAAAB').end(), wholes: 4 },
  { name: 'responses reasoning text', stream: delta('reasoning_text', { content_index: 0 }), wholes: 1 },
  { name: 'responses refusal', stream: delta('refusal', { content_index: 0 }), wholes: 1 },
  { name: 'responses transcript', stream: delta('audio.transcript'), wholes: 1 },
  { name: 'responses of a kind to come', stream: delta('telepathy', { content_index: 3 }), wholes: 1 },
  {
    name: 'responses arguments',
    policy: masking,
    content: json,
    expected: (text) => json(mask(text)),
    stream: (pieces) => new ResponsesEvents().call('lookup', pieces).end(),
    wholes: 3,
  },
  {
    name: 'responses arguments, escaped',
    policy: masking,
    content: escapedJson,
    stream: (pieces) => new ResponsesEvents().call('lookup', pieces).end(),
    expected: (text) => JSON.stringify({ note: mask(text) }),
    wholes: 3,
  },
  {
    name: 'responses custom tool input',
    policy: masking,
    stream: (pieces) => new ResponsesEvents().customCall('note', pieces).end(),
    wholes: 3,
  },
  { name: 'chat text', stream: (pieces) => chatText(pieces) + USAGE + DONE, wholes: 0 },
  { name: 'chat refusal', stream: (pieces) => chatText(pieces, 0, 'refusal') + USAGE + DONE, wholes: 0 },
  { name: 'chat text of a kind to come', stream: (pieces) => chatText(pieces, 2, 'reasoning_content') + DONE, wholes: 0 },
  {
    name: 'chat arguments',
    policy: masking,
    content: json,
    expected: (text) => json(mask(text)),
    stream: (pieces) => chatCall('lookup', pieces) + USAGE + DONE,
    wholes: 0,
  },
  {
    name: 'chat arguments, escaped',
    policy: masking,
    content: escapedJson,
    expected: (text) => JSON.stringify({ note: mask(text) }),
    stream: (pieces) => chatCall('lookup', pieces) + DONE,
    wholes: 0,
  },
];

const counts = new Map<string, number>();
let leaks = 0;
afterAll(() => {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  for (const [kind, count] of counts) console.log(`${kind}: ${count} splits`);
  console.log(`${ALL_ENTITIES.length} entities, ${total} splits, ${leaks} leaks`);
});

/** Each event in a chunk of its own, so that all that can go out does go out before the next one comes. */
const events = (stream: string): Buffer[] => stream.split(/(?<=\n\n)/).map((event) => Buffer.from(event));
const written = (value: string): string => JSON.stringify(value).slice(1, -1);

function check(kind: string, family: Family, { text, value }: { text: string; value: string }, chunks: Iterable<Buffer>): void {
  const screener = protocol.screenResponse(family.policy === masking ? contexts.masking : contexts.plain, {
    status: 200,
    contentType: 'text/event-stream',
  });
  const { released, blocked } = feed(screener, chunks);
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const bytes = released.toString();
  // The value must be nowhere in the bytes: neither as text, nor as JSON writes it, nor as JSON inside JSON.
  if ([value, written(value), written(written(value))].some((form) => bytes.includes(form))) leaks++;
  expect(blocked).toBeNull();
  const isEscaped = family.name.endsWith('escaped');
  const same = (got: string): string => (isEscaped ? JSON.stringify(JSON.parse(got)) : got);
  const expected = (family.expected ?? mask)(text);
  const deltas = [...deltasOf(released).values()].filter((got) => got !== '' && got !== 'null');
  expect(deltas.map(same)).toEqual([expected]);
  const wholes = wholesOf(
    eventsOf(released).filter(
      (event) => typeof event !== 'string' && !String(event['type']).endsWith('.delta') && event['choices'] === undefined,
    ),
  );
  expect(wholes.filter((found) => found !== 'text').map(same)).toEqual(Array.from({ length: family.wholes }, () => expected));
}

describe.each(FAMILIES)('$name', (family) => {
  const content = family.content ?? ((text: string): string => text);

  it.each(ALL_ENTITIES)('$name, cut in two deltas at every place', (entity) => {
    const full = content(entity.text);
    for (let cut = 0; cut <= full.length; cut++)
      check(family.name, family, entity, events(family.stream([full.slice(0, cut), full.slice(cut)])));
  });

  it('every entity in deltas of every fixed size', () => {
    for (const entity of ALL_ENTITIES) {
      const full = content(entity.text);
      for (const size of [1, 3, 7, 16]) {
        const pieces = Array.from({ length: Math.ceil(full.length / size) }, (_, i) => full.slice(i * size, (i + 1) * size));
        check(`${family.name}, fixed sizes`, family, entity, events(family.stream(pieces)));
      }
    }
  });
});

describe.each(FAMILIES.filter(({ name }) => RAW.has(name)))('$name, by bytes', (family) => {
  const content = family.content ?? ((text: string): string => text);

  it('every entity with the bytes of the stream cut anywhere, and byte by byte', () => {
    for (const entity of ALL_ENTITIES) {
      const full = content(entity.text);
      const half = Math.floor(full.length / 2);
      const bytes = Buffer.from(family.stream([full.slice(0, half), full.slice(half)]));
      for (let cut = 0; cut < bytes.length; cut += 149)
        check(`${family.name}, raw chunks`, family, entity, [bytes.subarray(0, cut), bytes.subarray(cut)]);
      // Lines may end in LF, CRLF or CR.
      for (const ending of ['\n', '\r\n', '\r'])
        check(`${family.name}, raw bytes`, family, entity, eachByte(Buffer.from(bytes.toString().replaceAll('\n', ending))));
    }
  });
});

describe.each(FAMILIES)('$name, given back', (family) => {
  const content = family.content ?? ((text: string): string => text);

  it.each(ENTITIES)('$name, at all places, cut in two deltas at every place and in small ones', async ({ text, value }) => {
    const masked = mask(text);
    const full = content(masked);
    const isJson = family.policy === masking && family.content !== undefined;
    const context = await restoringContext(protocol, [text]);
    const same = (got: string): unknown => (isJson ? JSON.parse(got) : got);
    const split = [
      ...Array.from({ length: full.length + 1 }, (_, cut) => [full.slice(0, cut), full.slice(cut)]),
      ...[1, 3, 7, 16].map((size) => Array.from({ length: Math.ceil(full.length / size) }, (_, i) => full.slice(i * size, (i + 1) * size))),
    ];
    for (const pieces of split) {
      const screener = protocol.screenResponse(context, { status: 200, contentType: 'text/event-stream' });
      const { released, recorded, blocked } = feed(screener, events(family.stream(pieces)));
      expect(blocked).toBeNull();
      counts.set('given back', (counts.get('given back') ?? 0) + 1);
      for (const [bytes, said] of [
        [released, text],
        [recorded, masked],
      ] as const) {
        const expected = isJson ? JSON.parse(json(said)) : said;
        const got = [...deltasOf(bytes).values()].filter((one) => one !== '' && one !== 'null');
        expect(got.map(same)).toEqual([family.name.endsWith('escaped') ? { note: said } : expected]);
        const wholes = wholesOf(
          eventsOf(bytes).filter(
            (event) => typeof event !== 'string' && !String(event['type']).endsWith('.delta') && event['choices'] === undefined,
          ),
        ).filter((one) => one !== 'text');
        expect(wholes).toHaveLength(family.wholes);
        for (const one of wholes) expect(same(one)).toEqual(family.name.endsWith('escaped') ? { note: said } : expected);
      }
      if ([value, written(value), written(written(value))].some((form) => recorded.includes(form))) leaks++;
    }
  });
});

describe('a stream that breaks off inside a value', () => {
  it.each(ALL_ENTITIES)('$name', ({ text, value }) => {
    const from = text.indexOf(value);
    for (let cut = from + 1; cut < from + value.length; cut++) {
      const part = text.slice(0, cut);
      const responses = new ResponsesEvents().message([part]).soFar.replace(/event: response.output_text.done[\s\S]*$/, '');
      const chat = chatText([part]).replace(/data: [^\n]*"finish_reason":"stop"[\s\S]*$/, '');
      for (const stream of [responses, chat]) {
        const { released } = feed(
          protocol.screenResponse(contexts.plain, { status: 200, contentType: 'text/event-stream' }),
          events(stream),
        );
        counts.set('broken off', (counts.get('broken off') ?? 0) + 1);
        if (cut - from >= 6 && released.includes(written(value.slice(0, cut - from)))) leaks++;
      }
    }
  });
});

describe('all splits together', () => {
  it('leak nothing', () => {
    expect(leaks).toBe(0);
  });
});
