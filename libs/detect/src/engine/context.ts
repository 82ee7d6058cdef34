import { isLetter, SPACE } from './characters.js';
import { CONTEXT_KINDS, CONTEXT_WORDS, contextMask, type ContextKind } from './context-kinds.js';
import { CONTEXT_REACH, LOOKBACK } from './window.js';

const EIN = CONTEXT_KINDS.indexOf('ein');
const PHONE = CONTEXT_KINDS.indexOf('phone');
const KIND_OF = new Map<string, number>();
const MASK_OF = Object.fromEntries(CONTEXT_KINDS.map((kind) => [kind, contextMask([kind])])) as Readonly<Record<ContextKind, number>>;
/** By length, first and last letter: whether any word is like that. Spares most words of a text the look-up. */
const LOOKS = new Uint8Array(32 * 32 * 32);
for (const [kind, name] of CONTEXT_KINDS.entries()) {
  for (const word of CONTEXT_WORDS[name]) {
    KIND_OF.set(word, kind);
    LOOKS[looksOf(word.length, word.charCodeAt(0), word.charCodeAt(word.length - 1))] = 1;
  }
}

function looksOf(length: number, first: number, last: number): number {
  return (length << 10) | ((first & 31) << 5) | (last & 31);
}

/** The same as isLetter(), for the many units before numbers. */
const isLetterUnit = (code: number): boolean => ((code | 32) - 97) >>> 0 < 26;

/** Context words of one text. Only the words shortly before numbers are ever read, each once. */
export class Context {
  /** Kind, start and end of each word found, in order. */
  private readonly kinds: number[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readTo = 0;

  constructor(private readonly text: string) {}

  /** The kind of the nearest word that lies wholly within CONTEXT_REACH units before `start`, among the kinds of `mask` (contextMask). */
  nearest(start: number, mask: number): ContextKind | null {
    this.readUntil(start);
    for (let index = this.kinds.length - 1; index >= 0 && (this.starts[index] as number) >= start - CONTEXT_REACH; index--) {
      const kind = this.kinds[index] as number;
      if ((this.ends[index] as number) <= start && (mask & (1 << kind)) !== 0) return CONTEXT_KINDS[kind] as ContextKind;
    }
    return null;
  }

  /** Whether a word of this kind stands within reach before `start`. */
  says(start: number, kind: ContextKind): boolean {
    return this.nearest(start, MASK_OF[kind]) !== null;
  }

  private readUntil(end: number): void {
    const { text } = this;
    let index = Math.max(this.readTo, end - LOOKBACK);
    // A word is read up to its last letter, even beyond `end`: what stands there decides whether it is one.
    while (index < end) {
      if (!isLetterUnit(text.charCodeAt(index))) {
        index++;
        continue;
      }
      const start = index;
      while (isLetterUnit(text.charCodeAt(index))) index++;
      this.word(start, index);
    }
    this.readTo = Math.max(this.readTo, index);
  }

  private word(start: number, end: number): void {
    const length = end - start;
    const { text } = this;
    const first = text.charCodeAt(start);
    if (length === 1) {
      if (isAccountSign(text, start)) this.found(2, start - 2, end);
      return;
    }
    if (length < 32 && LOOKS[looksOf(length, first, text.charCodeAt(end - 1))] === 1) {
      const kind = KIND_OF.get(text.slice(start, end).toLowerCase());
      if (kind !== undefined) this.found(kind, start, end);
    }
    if (length === 2) {
      if (isTaxId(text, start)) this.found(EIN, start - 4, end);
      this.message(start, end);
    } else if ((length === 3 || length === 8) && (first | 32) === 115) this.socialSecurity(start, end);
  }

  /** `social security`, `soc. sec`: the second word tells. */
  private socialSecurity(start: number, end: number): void {
    if (!/^sec(?:urity)?$/i.test(this.text.slice(start, end))) return;
    const before = /(?:^|[^a-z])(soc(?:ial)?[ ._-]{1,2})$/i.exec(this.text.slice(Math.max(0, start - 9), start));
    if (before === null) return;
    this.found(0, start - (before[1] as string).length, end);
  }

  /** `messages to`, `text me`: what follows is a phone number. */
  private message(start: number, end: number): void {
    if (this.text.charCodeAt(start - 1) !== SPACE || !/^(?:to|me|us)$/i.test(this.text.slice(start, end))) return;
    const before = /(?:^|[^a-z])((?:message|text)s? )$/i.exec(this.text.slice(Math.max(0, start - 10), start));
    if (before !== null) this.found(PHONE, start - (before[1] as string).length, end);
  }

  private found(kind: number, start: number, end: number): void {
    this.kinds.push(kind);
    this.starts.push(start);
    this.ends.push(end);
  }
}

/** The `c` of `a/c`. */
function isAccountSign(text: string, start: number): boolean {
  if ((text.charCodeAt(start) | 32) !== 99 || text[start - 1] !== '/' || (text.charCodeAt(start - 2) | 32) !== 97) return false;
  return !isLetter(text.charCodeAt(start - 3));
}

/** The `id` of `tax id`. */
function isTaxId(text: string, start: number): boolean {
  if ((text.charCodeAt(start) | 32) !== 105 || (text.charCodeAt(start + 1) | 32) !== 100) return false;
  return /(?:^|[^a-z])tax[ _-]$/i.test(text.slice(Math.max(0, start - 5), start));
}
