import { createHash } from 'node:crypto';
import { AffiantError } from '#errors';
import { RE2JS } from 're2js';
import { plainText } from '../engine/normalise.js';
import { isEntityType } from '../entity-types.js';
import type { CompiledPattern, CompiledRegex, PatternCost } from './compiled.js';
import { foldCase, isWordCode, keepCase, treeOf, type CompiledDictionary } from './dictionary.js';
import { costOf, isTooMuch } from './cost.js';
import { analyse, type Analysis } from './extent.js';
import { bounded, counted } from './work.js';

/** A customer's own pattern: an expression (RE2 syntax, searched anywhere in the text, in linear time) or a list of words. */
export interface PatternSpec {
  /** Becomes the span's type and, in capitals, the placeholder's name. */
  readonly name: string;
  readonly regex?: string;
  /** Found as whole words; blanks inside count as written. */
  readonly words?: readonly string[];
  /** Of `words`; default false. */
  readonly case_sensitive?: boolean;
  /** Words of which one must stand within 64 units before the match; absent or empty = none needed. */
  readonly context?: readonly string[];
}

export type { CompiledPattern, CompiledRegex } from './compiled.js';

/** Longest match of a customer's pattern in UTF-16 units: what a stream may have to hold back for it. */
export const MAX_MATCH = 256;
export const MAX_PATTERN_LENGTH = 1000;
export const MAX_PATTERNS = 64;
/** Of one list; all of them together are bounded by the configuration file's size. */
export const MAX_WORDS = 10_000;
export const MIN_WORD = 3;
export const MAX_WORD = 80;
const MAX_CONTEXT_WORDS = 32;
const MAX_CONTEXT_LENGTH = 32;
/** Of the compiled program, as RE2 counts them. Ten words with an unbounded tail each stay below; what a program does with them is bounded by cost.ts. */
const MAX_INSTRUCTIONS = 12_000;
/** With fewer turns than this per repetition the pattern would not mean what it says. */
const MIN_BOUND = 8;

/** @throws AffiantError config_invalid: syntax, length, an empty match, text anchors, too wide a match, too many or too long words, context words */
export function compilePattern(spec: PatternSpec): CompiledPattern {
  const { name, regex, words } = spec;
  if (!/^[a-z0-9][a-z0-9._-]{0,39}$/.test(name))
    refuse(name, 'its name must be 1 to 40 lower-case letters, digits, dots, dashes or underscores');
  if (isEntityType(name)) refuse(name, 'its name is that of a built-in entity type');
  checkContext(name, spec.context ?? []);
  const context = (spec.context ?? []).map((word) => word.toLowerCase());
  if ((regex === undefined) === (words === undefined)) refuse(name, 'it needs either regex or words');
  return words === undefined
    ? compileExpression(name, regex ?? '', context)
    : compileWords(name, words, spec.case_sensitive === true, context);
}

function compileExpression(name: string, regex: string, context: readonly string[]): CompiledRegex {
  checkLength(regex, name);
  compile(regex, name);
  const found = analyse(regex);
  if (found.anchored) refuse(name, '`^`, `$`, `\\A` and `\\z` have no place in it: patterns are searched anywhere; use `\\b` or `(?m)^`');
  if (found.min === 0) refuse(name, 'it matches the empty text');
  const turns = boundOf(name, found);
  const make = (): Omit<CompiledRegex, 'cost'> => ({
    kind: 'regex',
    name,
    regex: compile(found.source(turns), name),
    opening: compile(`(?:${found.prefix(turns)})\\z`, name),
    source: regex,
    context,
    maxLength: found.max(turns),
  });
  return { ...make(), cost: triedCost(regex, name, make) };
}

/** Costs of expressions tried before: a policy that is loaded again is not tried again. */
const costs = new Map<string, PatternCost>();
const MAX_COSTS = 1024;

function triedCost(regex: string, name: string, make: () => Omit<CompiledRegex, 'cost'>): PatternCost {
  const cost = costs.get(regex) ?? costOf(make());
  if (isTooMuch(cost))
    refuse(
      name,
      'texts can be written on which it takes too long (some 30 ms for 512 characters); put bounds on its repetitions, or make them tell apart',
    );
  if (costs.size >= MAX_COSTS) costs.clear();
  costs.set(regex, cost);
  return cost;
}

function compileWords(name: string, words: readonly string[], isCaseSensitive: boolean, context: readonly string[]): CompiledDictionary {
  if (words.length === 0 || words.length > MAX_WORDS) refuse(name, `a list has 1 to ${MAX_WORDS} words, this one ${words.length}`);
  const wrong = words.findIndex((word) => word.length < MIN_WORD || word.length > MAX_WORD || !isBounded(word));
  if (wrong >= 0)
    refuse(name, `word ${wrong + 1} of its list must have ${MIN_WORD} to ${MAX_WORD} characters and begin and end with a letter or digit`);
  const fold = isCaseSensitive ? keepCase : foldCase;
  const source = createHash('sha256')
    .update(JSON.stringify([isCaseSensitive, words]))
    .digest('hex');
  return {
    kind: 'words',
    name,
    source,
    context,
    maxLength: words.reduce((longest, word) => Math.max(longest, word.length), 0),
    root: treeOf(words.map(plainText), fold),
    fold,
  };
}

const isBounded = (word: string): boolean => isWordCode(word.charCodeAt(0)) && isWordCode(word.charCodeAt(word.length - 1));

/** Steps of one test() of an expression that stands alone, as conditions do: some 30 ms, for whatever text. */
export const TEST_STEPS = 1_000_000;

/**
 * Compiles RE2 syntax with the product's limits on length and size. Its `test` throws TooManySteps after TEST_STEPS.
 * @throws AffiantError config_invalid
 */
export function compileRegex(source: string, name: string): RE2JS {
  checkLength(source, name);
  const compiled = compile(source, name);
  const test = compiled.test.bind(compiled);
  compiled.test = (input) => bounded(TEST_STEPS, () => test(input));
  return compiled;
}

function checkLength(source: string, name: string): void {
  if (source.length === 0 || source.length > MAX_PATTERN_LENGTH) {
    refuse(name, `a regular expression has 1 to ${MAX_PATTERN_LENGTH} characters, this one ${source.length}`);
  }
}

function compile(source: string, name: string): RE2JS {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    return refuse(name, `${error instanceof Error ? error.message : String(error)} (RE2 syntax; no look-around, no back-references)`);
  }
  const size = compiled.programSize();
  if (size > MAX_INSTRUCTIONS) refuse(name, `its regular expression compiles to ${size} instructions, the limit is ${MAX_INSTRUCTIONS}`);
  return counted(compiled);
}

/** The largest bound on `*`, `+` and `{n,}` with which no match exceeds MAX_MATCH. */
function boundOf(name: string, found: Analysis): number {
  let turns = found.unbounded ? MAX_MATCH : 0;
  while (turns > MIN_BOUND && found.max(turns) > MAX_MATCH) turns--;
  const longest = found.max(turns);
  if (longest <= MAX_MATCH) return turns;
  return refuse(
    name,
    `a match could be ${longest} UTF-16 units long, the limit is ${MAX_MATCH}; put bounds on its repetitions, like {1,20}`,
  );
}

function checkContext(name: string, words: readonly string[]): void {
  if (words.length > MAX_CONTEXT_WORDS) refuse(name, `it has ${words.length} context words, the limit is ${MAX_CONTEXT_WORDS}`);
  for (const word of words) {
    if (word.trim() === '' || word.length > MAX_CONTEXT_LENGTH) refuse(name, `a context word has 1 to ${MAX_CONTEXT_LENGTH} characters`);
  }
}

function refuse(name: string, reason: string): never {
  throw new AffiantError('config_invalid', `Pattern "${name}": ${reason}.`);
}
