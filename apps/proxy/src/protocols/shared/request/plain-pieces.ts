import { randomInt } from 'node:crypto';

/** Of a SHA-256. */
const DIGEST_WORDS = 8;
/** Per piece: its digest, and behind it the scope and whether a user speaks in it. 0 = free. */
const WORDS = DIGEST_WORDS + 1;
const SLOT_BITS = 15;
const SLOTS = 1 << SLOT_BITS;
/** Fuller, a piece that is not there would be looked for in many places. */
const MOST = (SLOTS * 3) / 4;
/** Scopes that are told apart at a time. */
const MAX_SCOPES = 1_024;

const digestBytes = Buffer.alloc(4 * DIGEST_WORDS);
const digestWords = new Int32Array(digestBytes.buffer, digestBytes.byteOffset, DIGEST_WORDS);

/**
 * Pieces that were seen and hold nothing to be told again. There are tens of thousands of them, most of all that is remembered, so they stand side by side
 * outside the heap: as objects, each collection would go over them. At most 2.4 MB: when one half is full the half that was filled before it is forgotten.
 */
export class PlainPieces {
  private young = new Half();
  private old: Half | null = null;
  /** Numbers are not given twice: what is remembered under a scope that is forgotten is found by nobody. */
  private readonly scopes = new Map<string, number>();
  private lastScope = 0;

  find(scope: string, digest: string): { readonly hasUser: boolean } | null {
    const known = this.scopes.get(scope);
    if (known === undefined) return null;
    digestBytes.write(digest, 'hex');
    const mark = this.young.find(known);
    if (mark !== 0) return { hasUser: (mark & 1) === 1 };
    const before = this.old?.find(known) ?? 0;
    if (before === 0) return null;
    this.put(before);
    return { hasUser: (before & 1) === 1 };
  }

  add(scope: string, digest: string, hasUser: boolean): void {
    const number = this.numberOf(scope);
    digestBytes.write(digest, 'hex');
    if (this.young.find(number) === 0) this.put((number << 1) | Number(hasUser));
  }

  private numberOf(scope: string): number {
    const known = this.scopes.get(scope);
    if (known !== undefined) return known;
    if (this.scopes.size === MAX_SCOPES) this.scopes.clear();
    // What is left of numbers after 2^30 scopes would be found under another.
    if (this.lastScope === 2 ** 30 - 1) this.forget();
    this.lastScope += 1;
    this.scopes.set(scope, this.lastScope);
    return this.lastScope;
  }

  private put(mark: number): void {
    if (this.young.used === MOST) {
      const emptied = this.old ?? new Half();
      emptied.clear();
      this.old = this.young;
      this.young = emptied;
    }
    this.young.add(mark);
  }

  private forget(): void {
    this.scopes.clear();
    this.young.clear();
    this.old = null;
    this.lastScope = 0;
  }
}

/** Odd, and nobody's guess: who sends many pieces could else choose them so that all want the same place, and each is looked for along all of them. */
const MULTIPLIER = randomInt(2 ** 31) * 2 + 1;

/** Multiply-shift hashing (Dietzfelbinger et al., 1997): the upper bits of the product. */
const slotOf = (word: number): number => Math.imul(word, MULTIPLIER) >>> (32 - SLOT_BITS);

/** A table with open addressing; what is looked for or added stands in `digestWords`. */
class Half {
  used = 0;
  private readonly words = new Int32Array(SLOTS * WORDS);

  /** The mark of the piece under that scope; 0 when it is not there. */
  find(scope: number): number {
    const { words } = this;
    for (let slot = slotOf(digestWords[0]!); ; slot = (slot + 1) & (SLOTS - 1)) {
      const at = slot * WORDS;
      const mark = words[at + DIGEST_WORDS]!;
      if (mark === 0) return 0;
      if (mark >>> 1 === scope && this.isAt(at)) return mark;
    }
  }

  add(mark: number): void {
    const { words } = this;
    let slot = slotOf(digestWords[0]!);
    while (words[slot * WORDS + DIGEST_WORDS] !== 0) slot = (slot + 1) & (SLOTS - 1);
    words.set(digestWords, slot * WORDS);
    words[slot * WORDS + DIGEST_WORDS] = mark;
    this.used += 1;
  }

  clear(): void {
    if (this.used > 0) this.words.fill(0);
    this.used = 0;
  }

  private isAt(at: number): boolean {
    for (let word = 0; word < DIGEST_WORDS; word += 1) if (this.words[at + word] !== digestWords[word]) return false;
    return true;
  }
}
