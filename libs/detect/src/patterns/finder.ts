import { LIKELY, CONTEXT_REACH, type Candidate, type Window } from '../engine/window.js';
import type { CompiledPattern } from './compile.js';

/** Units tested at once by the engine's automaton before anything is searched for. */
const BLOCK = 4096;

/** `[US_SSN:1a2b3c4d]`, our own placeholder: never found again. */
const PLACEHOLDER = /\[[A-Z][A-Z0-9_]{0,39}:[0-9a-f]{8}\]/g;
const PLACEHOLDER_OPENING = /^\[(?:[A-Z][A-Z0-9_]{0,39}(?::[0-9a-f]{0,8})?)?$/;
const PLACEHOLDER_LENGTH = 51;

/** Finds the matches of one customer's pattern. */
export class PatternFinder {
  private readonly context: RegExp | null;
  /** Units behind a match's start that decide whether and how far it matches. */
  private readonly reach: number;
  private readonly rule: string;

  constructor(private readonly pattern: CompiledPattern) {
    const words = pattern.context.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    this.context = words.length === 0 ? null : new RegExp(`(?<![a-z0-9])(?:${words.join('|')})(?![a-z0-9])`, 'i');
    this.reach = Math.max(pattern.maxLength, PLACEHOLDER_LENGTH) + 2;
    this.rule = `pattern.${pattern.name}@1`;
  }

  /** First start, not before `from`, whose answer text still to come may change: a match that may go on, or has just ended. */
  openFrom(text: string, from: number): number {
    const tail = Math.max(from, text.length - this.reach);
    // Half a surrogate pair is held anyway, and no expression matches it.
    const end = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800 ? text.length - 1 : text.length;
    const matcher = this.pattern.opening.matcher(text.slice(tail, end));
    const open = matcher.find() ? tail + matcher.start() : text.length;
    const bracket = text.lastIndexOf('[');
    if (bracket < text.length - PLACEHOLDER_LENGTH || !PLACEHOLDER_OPENING.test(text.slice(bracket))) return open;
    return Math.min(open, Math.max(from, bracket));
  }

  /** The leftmost match that starts at or after `from`. */
  next(window: Window, from: number): Candidate | null {
    const { text } = window;
    for (let block = from; block < text.length; block += BLOCK) {
      const left = Math.max(0, block - 1);
      const slice = text.slice(left, block + BLOCK + this.reach);
      if (!this.pattern.regex.test(slice)) continue;
      const found = this.inBlock(text, slice, left, block);
      if (found !== null) return found;
    }
    return null;
  }

  private inBlock(text: string, slice: string, left: number, block: number): Candidate | null {
    const matcher = this.pattern.regex.matcher(slice);
    for (let search = block - left; search < slice.length && matcher.find(search);) {
      const start = left + matcher.start();
      if (start >= block + BLOCK) return null;
      const end = left + matcher.end();
      if (this.counts(text, start, end)) return { start, end, type: this.pattern.name, rule: this.rule, score: 0.9, strength: LIKELY };
      search = matcher.start() + 1;
    }
    return null;
  }

  private counts(text: string, start: number, end: number): boolean {
    if (this.context !== null && !this.context.test(text.slice(Math.max(0, start - CONTEXT_REACH), start))) return false;
    const from = Math.max(0, start - PLACEHOLDER_LENGTH);
    for (const match of text.slice(from, start + PLACEHOLDER_LENGTH).matchAll(PLACEHOLDER)) {
      const at = from + match.index;
      if (at < end && at + match[0].length > start) return false;
    }
    return true;
  }
}
