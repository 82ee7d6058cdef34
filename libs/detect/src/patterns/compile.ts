import { AffiantError } from '#errors';
import { RE2JS } from 're2js';
import { isEntityType } from '../entity-types.js';
import { analyse, type Analysis } from './extent.js';

/** A customer's own pattern. RE2 syntax, searched anywhere in the text, in linear time. */
export interface PatternSpec {
  /** Becomes the span's type and, in capitals, the placeholder's name. */
  readonly name: string;
  readonly regex: string;
  /** Words of which one must stand within 64 units before the match; absent or empty = none needed. */
  readonly context?: readonly string[];
}

/** A pattern ready for createDetector(). */
export interface CompiledPattern {
  readonly name: string;
  /** The source with every unbounded repetition bounded, so that no match is longer than `maxLength`. */
  readonly regex: RE2JS;
  /** Matches whatever may be the beginning of a match at the end of a text. */
  readonly opening: RE2JS;
  readonly source: string;
  readonly context: readonly string[];
  /** UTF-16 units; at most MAX_MATCH. */
  readonly maxLength: number;
}

/** Longest match of a customer's pattern in UTF-16 units: what a stream may have to hold back for it. */
export const MAX_MATCH = 256;
export const MAX_PATTERN_LENGTH = 1000;
export const MAX_PATTERNS = 64;
const MAX_CONTEXT_WORDS = 32;
const MAX_CONTEXT_LENGTH = 32;
const MAX_COMPILE_MS = 500;
/** With fewer turns than this per repetition the pattern would not mean what it says. */
const MIN_BOUND = 8;

/** @throws AffiantError config_invalid: syntax, length, an empty match, text anchors, too wide a match, context words */
export function compilePattern(spec: PatternSpec): CompiledPattern {
  const { name, regex } = spec;
  if (!/^[a-z0-9][a-z0-9._-]{0,39}$/.test(name))
    refuse(name, 'its name must be 1 to 40 lower-case letters, digits, dots, dashes or underscores');
  if (isEntityType(name)) refuse(name, 'its name is that of a built-in entity type');
  checkContext(name, spec.context ?? []);
  compileRegex(regex, name);
  const found = analyse(regex);
  if (found.anchored) refuse(name, '`^`, `$`, `\\A` and `\\z` have no place in it: patterns are searched anywhere; use `\\b` or `(?m)^`');
  if (found.min === 0) refuse(name, 'it matches the empty text');
  const turns = boundOf(name, found);
  return {
    name,
    regex: compile(found.source(turns), name),
    opening: compile(`(?:${found.prefix(turns)})\\z`, name),
    source: regex,
    context: (spec.context ?? []).map((word) => word.toLowerCase()),
    maxLength: found.max(turns),
  };
}

/** Compiles RE2 syntax with the product's limits on length and time. @throws AffiantError config_invalid */
export function compileRegex(source: string, name: string): RE2JS {
  if (source.length === 0 || source.length > MAX_PATTERN_LENGTH) {
    refuse(name, `a regular expression has 1 to ${MAX_PATTERN_LENGTH} characters, this one ${source.length}`);
  }
  return compile(source, name);
}

function compile(source: string, name: string): RE2JS {
  const begun = performance.now();
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    return refuse(name, `${error instanceof Error ? error.message : String(error)} (RE2 syntax; no look-around, no back-references)`);
  }
  if (performance.now() - begun > MAX_COMPILE_MS) refuse(name, `its regular expression takes more than ${MAX_COMPILE_MS} ms to compile`);
  return compiled;
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
