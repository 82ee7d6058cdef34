import type { Candidate, Window } from '../engine/window.js';
import { isWordCode, type CompiledDictionary, type WordNode } from './dictionary.js';
import { openPlaceholder, type Counts, type Finder } from './counts.js';

/** Finds the words of a list: at the beginning of a word, the longest that ends with one. One step per unit and word length, whatever the list's size. */
export class DictionaryFinder implements Finder {
  constructor(
    private readonly dictionary: CompiledDictionary,
    private readonly counts: Counts,
  ) {}

  openFrom(text: string, from: number): number {
    const first = Math.max(from, text.length - this.dictionary.maxLength - 1);
    for (let start = first; start < text.length; start++) {
      if (this.mayBegin(text, start) && this.walk(text, start).isOpen) return Math.min(start, openPlaceholder(text, from));
    }
    return openPlaceholder(text, from);
  }

  next(window: Window, from: number): Candidate | null {
    const { text } = window;
    for (let start = from; start < text.length; start++) {
      if (!this.mayBegin(text, start)) continue;
      const { end } = this.walk(text, start);
      const found = end < 0 ? null : this.counts.candidate(text, start, end);
      if (found !== null) return found;
    }
    return null;
  }

  private mayBegin(text: string, start: number): boolean {
    return this.dictionary.root.next.has(this.unit(text, start)) && (start === 0 || !isWordCode(text.charCodeAt(start - 1)));
  }

  /** End of the longest word from `start`, -1 without one; open when more text could make it another. */
  private walk(text: string, start: number): { end: number; isOpen: boolean } {
    let node: WordNode | undefined = this.dictionary.root;
    let end = -1;
    for (let at = start; at < text.length; at++) {
      node = node.next.get(this.unit(text, at));
      if (node === undefined) return { end, isOpen: false };
      if (!node.isEnd) continue;
      if (at + 1 === text.length) return { end: at + 1, isOpen: true };
      if (!isWordCode(text.charCodeAt(at + 1))) end = at + 1;
    }
    return { end, isOpen: true };
  }

  private unit(text: string, at: number): number {
    return this.dictionary.fold(text.charCodeAt(at));
  }
}
