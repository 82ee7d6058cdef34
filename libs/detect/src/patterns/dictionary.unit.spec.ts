import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern, createDetector, MAX_WORDS } from '../index.js';

const found = (words: string[], text: string, more: { case_sensitive?: boolean; context?: string[] } = {}): string[] =>
  createDetector(['own'], [compilePattern({ name: 'own', words, ...more })])
    .scan(text)
    .map(({ start, end }) => text.slice(start, end));

describe('a list of words', () => {
  it('is found as whole words, the longest first, in any case', () => {
    const words = ['Project Mercury', 'Mercury', 'bluebird', 'ÉTOILE'];
    expect(found(words, 'project mercury, MERCURY; mercury2, bluebirds, Bluebird étoile xétoile')).toEqual([
      'project mercury',
      'MERCURY',
      'Bluebird',
      'étoile',
    ]);
  });

  it('may mind the case and need a context', () => {
    expect(found(['Falcon'], 'FALCON falcon Falcon', { case_sensitive: true })).toEqual(['Falcon']);
    expect(found(['Falcon'], 'a falcon; deal falcon', { context: ['deal'] })).toEqual(['falcon']);
  });

  it('is found in disguise, and not in a placeholder', () => {
    expect(found(['falcon'], 'ｆａｌｃｏｎ f\u200balcon [FALCON:1a2b3c4d]')).toEqual(['ｆａｌｃｏｎ', 'f\u200balcon']);
  });

  it.each([
    [[], /1 to 10000 words/],
    [['ab'], /word 1 of its list must have 3 to 80/],
    [['abc', '-abc'], /word 2 of its list/],
    [['x'.repeat(81)], /word 1/],
    [Array.from({ length: MAX_WORDS + 1 }, (_, i) => `word${i}`), /10001/],
  ])('has limits', (words, message) => {
    expect(() => compilePattern({ name: 'own', words })).toThrowError(message);
  });

  it('is either words or an expression', () => {
    expect(() => compilePattern({ name: 'own' })).toThrowError(/either regex or words/);
    expect(() => compilePattern({ name: 'own', regex: 'abc', words: ['abc'] })).toThrowError(/either regex or words/);
  });

  it('gives in pieces what it gives in one', () => {
    const pattern = compilePattern({ name: 'own', words: ['aab', 'aab aab', 'ba aab b', 'bbb'] });
    const detector = createDetector(['own', 'email'], [pattern]);
    const unit = fc.constantFrom('a', 'b', ' ', 'aab', 'A', '\u200b', '.', 'é');
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 24 }), (parts) => {
        const stream = detector.open();
        const spans = [...parts.flatMap((part) => [...stream.push(part)]), ...stream.end()];
        expect(spans).toEqual(detector.scan(parts.join('')));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes time linear in the text, whatever the list', () => {
    const words = Array.from({ length: 5_000 }, (_, i) => `aa${'ab'.repeat(i % 36)}${i}`);
    const detector = createDetector(['own'], [compilePattern({ name: 'own', words })]);
    const time = (length: number): number => {
      const begun = process.cpuUsage();
      detector.scan('a ab aabab ababab '.repeat(length / 18));
      return process.cpuUsage(begun).user / 1000;
    };
    time(20_000);
    expect(time(400_000)).toBeLessThan(3_000);
  });
});
