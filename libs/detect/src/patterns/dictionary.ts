/** One unit of a word, and what may follow it. */
export interface WordNode {
  readonly next: Map<number, WordNode>;
  isEnd: boolean;
}

/** A list of words ready for createDetector(). */
export interface CompiledDictionary {
  readonly kind: 'words';
  readonly name: string;
  /** Digest of words and case. */
  readonly source: string;
  readonly context: readonly string[];
  /** UTF-16 units of the longest word. */
  readonly maxLength: number;
  readonly root: WordNode;
  /** A unit as words are compared. */
  readonly fold: (code: number) => number;
}

/** A letter or digit of any script, or half of a pair: what makes a word go on. */
export function isWordCode(code: number): boolean {
  if (code < 128) return (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122);
  return /[\p{L}\p{N}\p{M}\p{Cs}]/u.test(String.fromCharCode(code));
}

/** Small letters where that keeps the length. */
export function foldCase(code: number): number {
  if (code < 128) return code >= 65 && code <= 90 ? code | 32 : code;
  const lower = String.fromCharCode(code).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : code;
}

export const keepCase = (code: number): number => code;

/** The words as a tree. */
export function treeOf(words: readonly string[], fold: (code: number) => number): WordNode {
  const root: WordNode = { next: new Map(), isEnd: false };
  for (const word of words) {
    let node = root;
    for (let at = 0; at < word.length; at++) {
      const unit = fold(word.charCodeAt(at));
      let next = node.next.get(unit);
      if (next === undefined) node.next.set(unit, (next = { next: new Map(), isEnd: false }));
      node = next;
    }
    node.isEnd = true;
  }
  return root;
}
