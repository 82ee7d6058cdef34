import { AffiantError, toAffiantError } from '#errors';
import type { Candidate, Window } from '../engine/window.js';
import type { Assessor } from '../port.js';
import type { CompiledPattern, CompiledRegex } from './compiled.js';
import { Counts, openPlaceholder, PLACEHOLDER_LENGTH, type Finder } from './counts.js';
import { DictionaryFinder } from './dictionary-finder.js';
import { TooManySteps } from './work.js';

export function finderOf(pattern: CompiledPattern, assessor: Assessor | null): Finder {
  const counts = new Counts(pattern, assessor);
  return new NamedFinder(
    pattern.name,
    pattern.kind === 'regex' ? new PatternFinder(pattern, counts) : new DictionaryFinder(pattern, counts),
  );
}

/** Says which pattern it was that failed: of the rules only these are the customer's to take out. */
class NamedFinder implements Finder {
  constructor(
    private readonly name: string,
    private readonly inner: Finder,
  ) {}

  openFrom(text: string, from: number): number {
    try {
      return this.inner.openFrom(text, from);
    } catch (error) {
      throw this.failed(error);
    }
  }

  next(window: Window, from: number): Candidate | null {
    try {
      return this.inner.next(window, from);
    } catch (error) {
      throw this.failed(error);
    }
  }

  private failed(error: unknown): Error {
    if (error instanceof TooManySteps)
      return new AffiantError('detector_failed', `The pattern "${this.name}" takes too long on this text.`, { cause: error });
    return toAffiantError(error, 'detector_failed', `The pattern "${this.name}" failed on this text.`);
  }
}

/** Units tested at once by the engine's automaton before anything is searched for. */
const BLOCK = 4096;

export class PatternFinder implements Finder {
  /** Units behind a match's start that decide whether and how far it matches. */
  private readonly reach: number;

  constructor(
    private readonly pattern: CompiledRegex,
    private readonly counts: Counts,
  ) {
    this.reach = Math.max(pattern.maxLength, PLACEHOLDER_LENGTH) + 2;
  }

  openFrom(text: string, from: number): number {
    const tail = Math.max(from, text.length - this.reach);
    // Half a surrogate pair is held anyway, and no expression matches it.
    const end = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800 ? text.length - 1 : text.length;
    const matcher = this.pattern.opening.matcher(text.slice(tail, end));
    const open = matcher.find() ? tail + matcher.start() : text.length;
    return Math.min(open, openPlaceholder(text, from));
  }

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
      const found = this.counts.candidate(text, start, left + matcher.end());
      if (found !== null) return found;
      search = matcher.start() + 1;
    }
    return null;
  }
}
