import { createHash, createHmac, hash, type Hash } from 'node:crypto';

/** The SHA-256 of the beginning of a body, to be gone on from. */
export interface DigestMark {
  /** Bytes it is over. */
  readonly at: number;
  readonly state: Hash;
}

/** Bytes between two marks: what is hashed again at most when a body is recognised. */
const MARK_EVERY = 64 * 1024;
/** Memory of a mark: the state, and the objects of node:crypto around it. */
const MARK_WEIGHT = 768;

/** Memory of the marks of a body, at most. */
export const weightOfMarks = (length: number): number => Math.ceil(length / MARK_EVERY) * MARK_WEIGHT;

/**
 * Keyed digest of a body as it came: HMAC-SHA-256 (RFC 2104) of its SHA-256 (FIPS 180-4), as the trail has it in `original_digest`. The inner digest has no
 * key so that a body whose beginning is known goes on from the state it had there: node:crypto copies that of a hash, not that of an HMAC.
 */
export class OriginalDigest {
  readonly #marks: DigestMark[];
  readonly #marked: boolean;
  #state: Hash | null;
  /** The only chunk so far: of a small body the digest is made in one go. */
  #first: Buffer | null = null;
  #at: number;

  /** @param from marks of a body that begins with the same bytes; it goes on behind the last of them. @param marked marks are made */
  constructor(from: readonly DigestMark[] = [], marked = false) {
    const last = from.at(-1);
    this.#marks = [...from];
    this.#marked = marked;
    this.#state = last?.state.copy() ?? null;
    this.#at = last?.at ?? 0;
  }

  /** Bytes it is over. */
  get length(): number {
    return this.#at;
  }

  get marks(): readonly DigestMark[] {
    return this.#marks;
  }

  update(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#at += bytes.length;
    if (this.#state === null) {
      if (this.#first === null) {
        this.#first = bytes;
        return;
      }
      this.#state = createHash('sha256').update(this.#first);
      this.#first = null;
    }
    this.#state.update(bytes);
    if (this.#marked && this.#at - (this.#marks.at(-1)?.at ?? 0) >= MARK_EVERY)
      this.#marks.push({ at: this.#at, state: this.#state.copy() });
  }

  /** `v2:` and 64 hex digits; null for no bytes. To be called once. */
  end(key: Buffer): string | null {
    if (this.#at === 0) return null;
    const inner = this.#state?.digest() ?? hash('sha256', this.#first!, 'buffer');
    return `v2:${createHmac('sha256', key).update(inner).digest('hex')}`;
  }
}
