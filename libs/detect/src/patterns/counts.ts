import { assessed, LIKELY, CONTEXT_REACH, type Candidate, type Window } from '../engine/window.js';
import type { Assessor } from '../port.js';
import type { CompiledPattern } from './compiled.js';

/** Finds the values of one customer's pattern. */
export interface Finder {
  /** First start, not before `from`, whose answer text still to come may change: a match that may go on, or has just ended. */
  openFrom(text: string, from: number): number;
  /** The leftmost match that starts at or after `from`. */
  next(window: Window, from: number): Candidate | null;
}

/** `[US_SSN:1a2b3c4d]`, our own placeholder: never found again. */
const PLACEHOLDER = /\[[A-Z][A-Z0-9_]{0,39}:[0-9a-f]{8}\]/g;
const PLACEHOLDER_OPENING = /^\[(?:[A-Z][A-Z0-9_]{0,39}(?::[0-9a-f]{0,8})?)?$/;
export const PLACEHOLDER_LENGTH = 51;

/** Start of what may become a placeholder at the end of the text; its length when nothing does. */
export function openPlaceholder(text: string, from: number): number {
  const bracket = text.lastIndexOf('[');
  if (bracket < text.length - PLACEHOLDER_LENGTH || !PLACEHOLDER_OPENING.test(text.slice(bracket))) return text.length;
  return Math.max(from, bracket);
}

/** Which matches of a pattern count: context words, placeholders, what policy says of scores and exceptions. */
export class Counts {
  private readonly context: RegExp | null;
  private readonly rule: string;

  constructor(
    private readonly pattern: CompiledPattern,
    private readonly assessor: Assessor | null,
  ) {
    const words = pattern.context.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    this.context = words.length === 0 ? null : new RegExp(`(?<![a-z0-9])(?:${words.join('|')})(?![a-z0-9])`, 'i');
    this.rule = `pattern.${pattern.name}@1`;
  }

  candidate(text: string, start: number, end: number): Candidate | null {
    if (this.context !== null && !this.context.test(text.slice(Math.max(0, start - CONTEXT_REACH), start))) return null;
    const from = Math.max(0, start - PLACEHOLDER_LENGTH);
    for (const match of text.slice(from, start + PLACEHOLDER_LENGTH).matchAll(PLACEHOLDER)) {
      const at = from + match.index;
      if (at < end && at + match[0].length > start) return null;
    }
    return assessed({ start, end, type: this.pattern.name, rule: this.rule, score: 0.9, strength: LIKELY }, text, this.assessor);
  }
}
