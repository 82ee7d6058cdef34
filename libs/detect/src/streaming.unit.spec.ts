import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compilePattern,
  createDetector,
  createPlaceholder,
  createTextMasker,
  ENTITY_TYPES,
  maskText,
  type Detector,
  type Span,
} from './index.js';
import { ALL_SAMPLES } from './testing/samples.js';
import { TOKEN_SAMPLES } from './testing/token-samples.js';

const patterns = [
  compilePattern({ name: 'employee', regex: 'EMP-\\d+' }),
  compilePattern({ name: 'project', regex: '(?i)\\bproject\\s+[a-z]{3,12}\\b', context: ['secret'] }),
  compilePattern({ name: 'pairs', regex: 'aa|aab' }),
  compilePattern({ name: 'loose', regex: '(?i)ref\\s*(?:no|nr)?[.:]?\\s*[A-Z]{1,3}-?\\d{2,}(?:/\\d+)*' }),
];
const detector = createDetector([...ENTITY_TYPES, 'employee', 'project', 'pairs', 'loose'], patterns);
const placeholder = createPlaceholder(Buffer.from('test key'));

/** Feeds the pieces and checks the contract of every step. */
function stream(of: Detector, pieces: readonly string[]): Span[] {
  const text = pieces.join('');
  const opened = of.open();
  const spans: Span[] = [];
  let settled = 0;
  const take = (found: readonly Span[]): void => {
    const inside = found.every(({ start, end }) => start >= settled && end <= opened.settled);
    if (!inside || opened.settled < settled) expect.fail(`${JSON.stringify(found)} outside ${settled}..${opened.settled} of ${text}`);
    settled = opened.settled;
    spans.push(...found);
  };
  for (const piece of pieces) take(opened.push(piece));
  take(opened.end());
  expect(settled).toBe(text.length);
  return spans;
}

const filler = fc.oneof(
  fc.constantFrom(
    ' ',
    '\n',
    ', ',
    '. ',
    '-',
    ':',
    '=',
    '"',
    '(',
    ') ',
    '/',
    '@',
    '_',
    'account ',
    'call ',
    'secret ',
    'password: ',
    'ssn ',
    'routing ',
  ),
  fc.constantFrom(
    'the customer said ',
    'x',
    'EMP-',
    'EMP-4711 ',
    'secret project mercury ',
    'aaaa',
    'aab',
    '\u200b',
    '\u00a0',
    '\uff14',
    '😀',
    'é',
    '-----',
    '::',
    '0x',
    '12',
    '2026-11-21 ',
  ),
  fc.stringMatching(/^[0-9 .()+-]{1,24}$/),
  fc.stringMatching(/^[a-zA-Z0-9_.@:=-]{1,12}$/),
  fc.string({ maxLength: 6 }),
);
const textOf = fc
  .array(fc.oneof({ weight: 2, arbitrary: filler }, { weight: 1, arbitrary: fc.constantFrom(...ALL_SAMPLES) }), { maxLength: 8 })
  .map((parts) => parts.join(''));

function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, index = 0; at < text.length; index++) {
    const size = Math.max(1, sizes[index % sizes.length] ?? 1);
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

describe('streaming', () => {
  it('gives the spans of the whole text for any pieces (2,500 texts; 10,000 in test:masking)', () => {
    fc.assert(
      fc.property(textOf, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }), (text, sizes) => {
        expect(stream(detector, cut(text, sizes))).toEqual(detector.scan(text));
      }),
      { numRuns: 2_500 },
    );
  }, 120_000);

  it.each([...ALL_SAMPLES, ...TOKEN_SAMPLES])('gives the same at every split position of %j', (sample) => {
    for (const text of [sample, `see ${sample}, thanks`, `x=${sample}\n\nand more words follow here`]) {
      const whole = detector.scan(text);
      for (let at = 0; at <= text.length; at++) {
        if (!isDeepStrictEqual(stream(detector, [text.slice(0, at), text.slice(at)]), whole)) expect.fail(`split at ${at} of ${text}`);
      }
    }
  });

  it('masks in pieces what it masks as a whole', () => {
    fc.assert(
      fc.property(textOf, fc.integer({ min: 1, max: 9 }), (text, size) => {
        const masker = createTextMasker(detector, placeholder);
        const masked =
          cut(text, [size])
            .map((piece) => masker.push(piece).text)
            .join('') + masker.end().text;
        expect(masked).toBe(maskText(text, detector.scan(text), placeholder));
      }),
      { numRuns: 1000 },
    );
  });

  it('lets nothing of a value out before it is decided', () => {
    for (const sample of ALL_SAMPLES) {
      const text = `note: ${sample} end`;
      const [first] = detector.scan(text) as [Span, ...Span[]];
      const opened = detector.open();
      for (let at = 0; at < text.length; at++) {
        opened.push(text[at] as string);
        const inside = opened.settled > first.start && opened.settled < first.end;
        expect(inside, `${sample} at ${at}`).toBe(false);
      }
    }
  });

  it('holds back no more than maxHold units outside long secrets', () => {
    const short = ALL_SAMPLES.filter((sample) => sample.length < 60);
    const parts = fc.array(fc.oneof(filler, fc.constantFrom(...short), fc.stringMatching(/^[a-zA-Z0-9]{80,120}$/)), { maxLength: 12 });
    fc.assert(
      fc.property(parts, (pieces) => {
        const opened = detector.open();
        for (const piece of pieces) {
          if (/eyJ|-----B/.test(piece)) continue;
          opened.push(piece);
          if (opened.length - opened.settled > detector.maxHold)
            expect.fail(`holds ${opened.length - opened.settled} of ${pieces.join('')}`);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('never splits a surrogate pair between what is released and what is held', () => {
    const opened = detector.open();
    opened.push('ok 😀'.slice(0, 4));
    expect(opened.settled).toBe(3);
  });

  it('agrees with safeCut', () => {
    expect(detector.safeCut('my card is 4111 1111')).toBe('my card is '.length);
    expect(detector.safeCut('nothing here.\n')).toBe('nothing here.\n'.length);
  });
});

describe('a value longer than one span', () => {
  it.each([
    ['digits', `id ${'7'.repeat(300)} end`],
    [
      'a private key without end',
      `-----BEGIN PRIVATE KEY-----\n${'MIIEowIBAAKCAQEAsT9f3Q8vV2k1b7c6d5e4f3a2B1C0D9E8F7A6B5C4D3E2F1a0\n'.repeat(300)}`,
    ],
    ['a token', `key sk-ant-${'aB3_'.repeat(400)} end`],
    ['an assigned value', `password="${'x9Y!w7Q?'.repeat(50)}" end`],
    ['a JWT', `${'eyJhbGciOiJIUzI1NiJ9.'}${'Zm9v'.repeat(5000)}.sig end`],
  ])('%s is masked to its end, in any pieces', (_name, text) => {
    const whole = detector.scan(text);
    expect(stream(detector, cut(text, [997]))).toEqual(whole);
    expect(stream(detector, cut(text, [64, 1, 3]).slice(0))).toEqual(whole);
    const masked = maskText(text, whole, () => '*');
    expect(masked).not.toMatch(/7{3}|aB3_|x9Y!|w7Q|MIIE|Zm9v/);
  });

  it('is not looked at again with every piece', () => {
    const opened = createDetector(ENTITY_TYPES).open();
    opened.push('eyJhbGciOiJIUzI1NiJ9.');
    const before = process.cpuUsage();
    for (let at = 0; at < 100_000; at += 4) opened.push('Zm9v');
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(700);
  });
});
