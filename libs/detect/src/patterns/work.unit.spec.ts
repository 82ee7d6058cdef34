import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { compilePattern, compileRegex, createDetector, type CompiledRegex } from '../index.js';
import { hostileTexts } from './adversary.js';
import { FEWEST_UNITS, MOST_UNITS, scanSteps, stepsFor, unitsFor } from './cost.js';
import { bounded, counted, programOf, stepsOf, TooManySteps } from './work.js';

const expression = (regex: string): CompiledRegex => compilePattern({ name: 'own', regex }) as CompiledRegex;
const hostile = ({ regex }: CompiledRegex): string[] => hostileTexts(programOf(regex));

/** Expressions as customers write them, and such as make backtracking engines hang. */
const ACCEPTED = ['EMP-\\d{6}', '[A-Z]{2}\\d{4}', '\\w+-\\d+', '[A-Za-z0-9._-]+@[a-z.]+', '\\d+', '(a+)+b', '(x+x+)+y', '[ab].{0,100}1'];
const REFUSED = ['(a|a?)+b', '(?:\\w?\\w?\\s?)+;', 'aa{1,60}(?:a|b){1,60}(?:[ab]c?){1,60}d'];

describe('steps of the engine', () => {
  it.each([
    ['the automaton', 'a[ab]{9}c', `${'aabab'.repeat(80)}c`, false],
    ['backtracking', '(a+)(b+)c?d', `${'aab'.repeat(40)}d`, true],
    ['threads', '(?:a|b){1,600}(?:c|d){1,600}e', `${'abcd'.repeat(60)}e`, true],
  ])('are counted in %s, the same each time', (_, source, text, find) => {
    const steps = (): number => {
      const regex = counted(RE2JS.compile(source));
      return stepsOf(1e9, () => {
        if (find) regex.matcher(text).find();
        else regex.test(text);
      });
    };
    expect(steps()).toBeGreaterThan(text.length);
    expect(steps()).toBe(steps());
  });

  it('are the limit of a search, which goes on as before when the next one may take more', () => {
    const regex = counted(RE2JS.compile('(?:a|b|ab){1,40}c'));
    const text = `${'ab'.repeat(300)}c`;
    expect(() => bounded(500, () => regex.test(text))).toThrow(TooManySteps);
    expect(() => bounded(500, () => regex.matcher(text).find())).toThrow(TooManySteps);
    expect(bounded(1e9, () => regex.test(text))).toBe(true);
    expect(bounded(1e9, () => regex.matcher(text).find())).toBe(true);
  });

  it('count to the outer limit', () => {
    const regex = counted(RE2JS.compile('(?:a|b|ab){1,40}c'));
    expect(() => bounded(500, () => bounded(1e9, () => regex.test(`${'ab'.repeat(300)}c`)))).toThrow(TooManySteps);
  });
});

describe('the cost of a pattern', () => {
  it.each(ACCEPTED)('keeps what is written against it within its limit, in pieces and whole: %s', (source) => {
    const pattern = expression(source);
    const detector = createDetector(['own'], [pattern]);
    for (const text of hostile(pattern)) {
      const stream = detector.open();
      const most = scanSteps([pattern.cost], detector.pieceUnits, detector.pieceUnits);
      for (let at = 0; at < text.length; at += detector.pieceUnits)
        expect(stepsOf(1e9, () => void stream.push(text.slice(at, at + detector.pieceUnits)))).toBeLessThanOrEqual(most);
      expect(() => stream.end()).not.toThrow();
      expect(() => detector.scan(text)).not.toThrow();
    }
  });

  it.each(REFUSED)('is too much: %s', (source) => {
    expect(() => expression(source)).toThrowError(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(/takes too long/) }),
    );
  });

  it('is too much of many together', () => {
    const patterns = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) =>
      compilePattern({ name: letter, regex: `[a-z]+[0-9a-z]+${letter}-\\d+` }),
    );
    expect(() => createDetector(['a', 'b', 'c', 'd', 'e', 'f'], patterns)).toThrowError(/together take too long/);
  });

  it('says how much text is given to the detector at once', () => {
    expect(createDetector(['email']).pieceUnits).toBe(MOST_UNITS);
    expect(createDetector(['own'], [expression('EMP-\\d{6}')]).pieceUnits).toBe(MOST_UNITS);
    expect(createDetector(['own'], [expression('(x+x+)+y')]).pieceUnits).toBe(FEWEST_UNITS);
    const { cost } = expression('[A-Z0-9]{3,12}-[A-Z0-9]{3,12}');
    expect(stepsFor([cost], unitsFor([cost]))).toBeLessThanOrEqual(150_000);
  });

  it('is the same on every machine', () => {
    expect(expression('[A-Z]{2}\\d{4}').cost).toEqual({ rate: 3, tail: 1020 });
  });
});

describe('a text that is worse than those tried', () => {
  /** As if the trial had found nothing. */
  const underrated: CompiledRegex = { ...expression('(x+x+)+z'), cost: { rate: 0, tail: 0 } };

  it('is refused with the name of the pattern, whole and in pieces', () => {
    const failed = expect.objectContaining({ code: 'detector_failed', message: 'The pattern "own" takes too long on this text.' });
    const worst = hostile(underrated).join('');
    const detector = createDetector(['own'], [underrated]);
    expect(() => detector.scan(worst)).toThrowError(failed);
    const stream = detector.open();
    expect(() => stream.push(worst)).toThrowError(failed);
    expect(() => stream.end()).toThrowError(failed);
  });

  it('ends a condition too', () => {
    const condition = compileRegex('(?s)a.{0,300}b.{0,300}c', 'own');
    const worst = hostileTexts(programOf(condition)).map((one) => one.repeat(8));
    expect(() => {
      for (const one of worst) condition.test(one);
    }).toThrow(TooManySteps);
  });
});
