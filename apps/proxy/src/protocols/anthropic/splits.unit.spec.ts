import { afterAll, describe, expect, it } from 'vitest';
import { maskText } from '#detect';
import { AnthropicProtocol } from './anthropic-protocol.js';
import { ALL_ENTITIES, allDetector, ENTITIES } from '../shared/testing/entities.js';
import { restoringContext } from '../shared/testing/restoring.js';
import { testContext, testPlaceholder, type TestPolicy } from '../shared/testing/policies.js';
import { eachByte, feed } from '../shared/testing/feed.js';
import { assembled, MESSAGE_END, MESSAGE_START, textBlock, toolBlock } from './testing/streams.js';

/** Acceptance 4 of the issue: every split position of every entity over stream deltas: nothing unmasked reaches the client, same text as masking the whole. */
const protocol = new AnthropicProtocol();
const mask = (text: string): string => maskText(text, allDetector.scan(text), testPlaceholder);
const counts = new Map<string, number>();
let leaks = 0;

afterAll(() => {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  for (const [kind, count] of counts) console.log(`${kind}: ${count} splits`);
  console.log(`${ALL_ENTITIES.length} entities, ${total} splits, ${leaks} leaks`);
});

function run(chunks: Iterable<Buffer>, options: TestPolicy): { text: string; bytes: string } {
  const screener = protocol.screenResponse(testContext({ detector: allDetector, ...options }), {
    status: 200,
    contentType: 'text/event-stream',
  });
  const { released, blocked } = feed(screener, chunks);
  expect(blocked).toBeNull();
  const texts = assembled(released);
  return { text: texts.get('0 text') ?? texts.get('0 partial_json') ?? '', bytes: released.toString() };
}

function check(kind: string, value: string, expected: string, { text, bytes }: { text: string; bytes: string }): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  // The value must neither be in the text nor, written as JSON writes it, anywhere in the bytes.
  if (text.includes(value) || bytes.includes(JSON.stringify(value).slice(1, -1))) leaks++;
  expect(text).toBe(expected);
}

/** Each event in a chunk of its own, so that all that can go out does go out before the next one comes. */
const events = (stream: string): Buffer[] => stream.split(/(?<=\n\n)/).map((event) => Buffer.from(event));
const wrap = (blocks: string): string => MESSAGE_START + blocks + MESSAGE_END;

describe.each(ALL_ENTITIES)('$name', ({ text, value }) => {
  it('is masked in a whole text at all', () => {
    expect(mask(text)).not.toContain(value);
  });

  it('cut in two text deltas at every place', () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const stream = wrap(textBlock([text.slice(0, cut), text.slice(cut)]));
      check('two deltas', value, mask(text), run(events(stream), {}));
    }
  });

  it('cut in three text deltas, the middle one of every length', () => {
    const step = text.length > 120 ? 7 : 3;
    for (let first = 0; first <= text.length; first += step) {
      for (let second = first; second <= text.length; second += step) {
        const stream = wrap(textBlock([text.slice(0, first), text.slice(first, second), text.slice(second)]));
        check('three deltas', value, mask(text), run(events(stream), {}));
      }
    }
  });

  it('in deltas of every fixed size', () => {
    for (let size = 1; size <= 24; size++) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
      const stream = wrap(textBlock(pieces));
      check('deltas of one size', value, mask(text), run(events(stream), {}));
    }
  });

  it('with the bytes of the stream cut at every place, and byte by byte', () => {
    const half = text.indexOf(value) + Math.floor(value.length / 2);
    const bytes = Buffer.from(wrap(textBlock([text.slice(0, half), text.slice(half)])));
    const deltas = bytes.indexOf('content_block_delta');
    for (let cut = 0; cut <= bytes.length; cut += cut < deltas || cut > bytes.indexOf('content_block_stop') ? 7 : 1) {
      check('raw chunks', value, mask(text), run([bytes.subarray(0, cut), bytes.subarray(cut)], {}));
    }
    // Lines may end in LF, CRLF or CR.
    for (const ending of ['\n', '\r\n', '\r'])
      check('raw bytes', value, mask(text), run(eachByte(Buffer.from(bytes.toString().replaceAll('\n', ending))), {}));
  });

  it('in the input of a tool, cut at every place', () => {
    const json = JSON.stringify({ note: text, n: 1 });
    const expected = JSON.stringify({ note: mask(text), n: 1 });
    for (let cut = 0; cut <= json.length; cut++) {
      const stream = wrap(toolBlock('lookup', [json.slice(0, cut), json.slice(cut)]));
      check('tool input', value, expected, run(events(stream), { toolInput: 'mask' }));
    }
  });

  it('in the input of a tool, every character escaped', () => {
    const escaped = text
      .split('')
      .map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
    const json = `{"note":"${escaped}"}`;
    for (let cut = 0; cut <= json.length; cut++) {
      const stream = wrap(toolBlock('lookup', [json.slice(0, cut), json.slice(cut)]));
      const { text: got, bytes } = run(events(stream), { toolInput: 'mask' });
      check('escaped tool input', value, mask(text), { text: (JSON.parse(got) as { note: string }).note, bytes });
    }
  });

  it('in text deltas written with escapes only', () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const written = [text.slice(0, cut), text.slice(cut)].map((part) =>
        part
          .split('')
          .map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
      );
      const deltas = written.map(
        (part) =>
          `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${part}"}}\n\n`,
      );
      const stream = wrap(textBlock([]).replace('event: content_block_stop', `${deltas.join('')}event: content_block_stop`));
      check('escaped deltas', value, mask(text), run(events(stream), {}));
    }
  });

  it('never leaves when the stream breaks off inside it', () => {
    const from = text.indexOf(value);
    for (let cut = from + 1; cut < from + value.length; cut++) {
      const stream = MESSAGE_START + textBlock([text.slice(0, cut)]).replace(/event: content_block_stop[\s\S]*$/, '');
      const { bytes } = run(events(stream), {});
      counts.set('broken off', (counts.get('broken off') ?? 0) + 1);
      if (cut - from >= 6 && bytes.includes(JSON.stringify(value.slice(0, cut - from)).slice(1, -1))) leaks++;
    }
  });
});

describe.each(ENTITIES)('given back: $name', ({ text, value }) => {
  const masked = mask(text);
  const asked = restoringContext(protocol, [text]);
  const echo = async (stream: string): Promise<{ client: string; trail: string }> => {
    const context = await asked;
    const { released, recorded, blocked } = feed(
      protocol.screenResponse(context, { status: 200, contentType: 'text/event-stream' }),
      events(stream),
    );
    expect(blocked).toBeNull();
    const of = (bytes: Buffer): string => assembled(bytes).get('0 text') ?? assembled(bytes).get('0 partial_json') ?? '';
    if (recorded.includes(JSON.stringify(value).slice(1, -1))) leaks++;
    counts.set('given back', (counts.get('given back') ?? 0) + 1);
    return { client: of(released), trail: of(recorded) };
  };

  it('in text, the placeholder cut in two at every place', async () => {
    for (let cut = 0; cut <= masked.length; cut++)
      expect(await echo(wrap(textBlock([masked.slice(0, cut), masked.slice(cut)])))).toEqual({ client: text, trail: masked });
  });

  it('in text, in deltas of every fixed size', async () => {
    for (let size = 1; size <= 24; size++) {
      const pieces = Array.from({ length: Math.ceil(masked.length / size) }, (_, i) => masked.slice(i * size, (i + 1) * size));
      expect(await echo(wrap(textBlock(pieces)))).toEqual({ client: text, trail: masked });
    }
  });

  it('in the input of a tool, cut at every place, escaped as JSON', async () => {
    const json = JSON.stringify({ note: masked, n: 1 });
    for (let cut = 0; cut <= json.length; cut++) {
      const { client, trail } = await echo(wrap(toolBlock('lookup', [json.slice(0, cut), json.slice(cut)])));
      expect(JSON.parse(client)).toEqual({ note: text, n: 1 });
      expect(trail).toBe(json);
    }
  });
});

describe('all splits together', () => {
  it('leak nothing', () => {
    expect(leaks).toBe(0);
  });
});
