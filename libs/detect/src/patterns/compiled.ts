import type { RE2JS } from 're2js';
import type { CompiledDictionary } from './dictionary.js';

/** What a pattern took on texts written against it, in steps of the engine (work.ts). */
export interface PatternCost {
  /** For each unit looked through. */
  readonly rate: number;
  /** At the end of each piece, where a match may begin. */
  readonly tail: number;
}

/** A pattern ready for createDetector(). */
export type CompiledPattern = CompiledRegex | CompiledDictionary;

export interface CompiledRegex {
  readonly kind: 'regex';
  readonly name: string;
  /** The source with every unbounded repetition bounded, so that no match is longer than `maxLength`. */
  readonly regex: RE2JS;
  /** Matches whatever may be the beginning of a match at the end of a text. */
  readonly opening: RE2JS;
  readonly source: string;
  readonly context: readonly string[];
  /** UTF-16 units; at most MAX_MATCH. */
  readonly maxLength: number;
  /** What it took on texts written against it. */
  readonly cost: PatternCost;
}
