import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { compilePattern, createDetector, MAX_MATCH } from '../index.js';
import { analyse } from './extent.js';

const spans = (regex: string, text: string, context?: string[]): string[] =>
  createDetector(['own'], [compilePattern({ name: 'own', regex, context })])
    .scan(text)
    .map(({ start, end }) => text.slice(start, end));

describe('a pattern', () => {
  it('is found anywhere, also far into a long text', () => {
    expect(spans('EMP-\\d+', `${'x '.repeat(5000)}EMP-4711 and EMP-12`)).toEqual(['EMP-4711', 'EMP-12']);
  });

  it('needs one of its context words shortly before', () => {
    expect(spans('[A-Z]{2}\\d{4}', 'badge AB1234', ['badge'])).toEqual(['AB1234']);
    expect(spans('[A-Z]{2}\\d{4}', 'badges: AB1234', ['badge'])).toEqual([]);
    expect(spans('[A-Z]{2}\\d{4}', `badge ${'.'.repeat(80)} AB1234`, ['badge'])).toEqual([]);
  });

  it('matches no more than the limit', () => {
    const [first] = spans('EMP-\\d+', `EMP-${'1'.repeat(500)}`) as [string];
    expect(first.length).toBeLessThanOrEqual(MAX_MATCH);
  });

  it('is linear on what makes backtracking engines hang', () => {
    // It would not come back before the sun goes out.
    expect(spans('(a+)+b', 'a'.repeat(50_000))).toEqual([]);
  });

  it.each([
    ['(', /missing closing/],
    ['(?=a)b', /look-around/],
    ['(a)\\1', /back-references/],
    ['a*', /empty text/],
    ['^abc$', /searched anywhere/],
    ['\\Aabc', /searched anywhere/],
    ['.{200}', /limit is 256/],
    ['', /1 to 1000 characters/],
    ['a'.repeat(1001), /1 to 1000 characters/],
    ['(a?){1000}'.repeat(90), /360002 instructions, the limit is 12000/],
  ])('is refused: %s', (regex, message) => {
    expect(() => compilePattern({ name: 'own', regex })).toThrowError(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }),
    );
  });

  it('may be ten words with an unbounded tail each', () => {
    const regex = Array.from({ length: 10 }, (_, i) => `word${i}-[a-z]+`).join('|');
    expect(compilePattern({ name: 'own', regex }).kind).toBe('regex');
  });

  it('needs a name of its own', () => {
    for (const name of ['email', 'Own', 'own name', '']) expect(() => compilePattern({ name, regex: 'abc' })).toThrowError(/name/);
  });
});

describe('analyse', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '\\d',
    '[x-z]',
    '.',
    '(?:ab|c)',
    '(d)',
    '\\s',
    '\\.',
    '\\Qa.b\\E',
    '\\x41',
    '\\x{1F600}',
    '[^a]',
    '[[:alpha:]]',
    '\\pL',
    'é',
    '😀',
    '\\b',
  );
  const times = fc.constantFrom('', '', '', '?', '+', '*', '{2}', '{1,3}', '{2,}', '+?');
  const source = fc
    .array(fc.tuple(piece, times), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.map(([text, sign]) => (text === '\\b' ? text : text + sign)).join(''));
  const sources = fc.oneof(
    source,
    fc.tuple(source, source).map(([a, b]) => `(?i)${a}|(?:${b})`),
    source.map((a) => `x(${a})y`),
  );
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd', 'x', 'y', 'z', '1', ' ', '.', 'A', 'é', '😀'), { maxLength: 14 })
    .map((parts) => parts.join(''));

  it('bounds every match, and knows every beginning of one', () => {
    fc.assert(
      fc.property(sources, text, (regex, input) => {
        const found = analyse(regex);
        const bounded = RE2JS.compile(found.source(20));
        const opening = RE2JS.compile(`(?:${found.prefix(20)})\\z`);
        const matcher = bounded.matcher(input);
        while (matcher.find()) {
          const [start, end] = [matcher.start(), matcher.end()];
          expect(end - start).toBeLessThanOrEqual(found.max(20));
          expect(end - start).toBeGreaterThanOrEqual(found.min);
          for (let cut = start + 1; cut <= end; cut++) {
            if ((input.charCodeAt(cut - 1) & 0xfc00) === 0xd800) continue;
            const begun = opening.matcher(input.slice(start, cut));
            expect(begun.find() && begun.start() === 0, `${regex} begins with ${input.slice(start, cut)}`).toBe(true);
          }
        }
        expect(bounded.test(input)).toBe(RE2JS.compile(regex).test(input));
      }),
      { numRuns: 1500 },
    );
  });
});
