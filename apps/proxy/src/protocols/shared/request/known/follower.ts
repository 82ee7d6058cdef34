import { createHash, hash, type Hash } from 'node:crypto';
import type { Conversation, KnownPart, KnownPrefix } from './conversation.js';

/** Bytes looked at before one of several conversations is chosen. */
const CHOOSE_AFTER = 16 * 1024;
/** A part with replaced values is compared by digest, and its bytes are kept until the call ends: above this it counts as new. */
const LARGEST_MASKED_PART = 512 * 1024;

/**
 * Compares a body with what was sent before while it arrives: parts that are there again are left out of what is kept of it. Nothing is copied but the
 * parts in which values were replaced; what equals the rest is in memory already.
 */
export class PrefixFollower {
  #choosing = true;
  readonly #choice: readonly Conversation[];
  readonly #chooseAfter: number;
  #matcher: Matcher | null = null;
  /** Before the first part. */
  #head: Buffer[] = [];
  /** From the last part that was recognised on. */
  #rest: Buffer[] = [];
  #seen = 0;
  #passed = 0;

  /** @param choice the newest first */
  constructor(choice: readonly Conversation[]) {
    this.#choice = choice;
    this.#chooseAfter = Math.max(...choice.map(({ head }) => head.length)) + CHOOSE_AFTER;
  }

  push(chunk: Buffer): void {
    this.#rest.push(chunk);
    if (this.#choosing) {
      this.#seen += chunk.length;
      if (this.#seen >= this.#chooseAfter) this.#choose();
    } else if (this.#matcher !== null) this.#feed(chunk);
  }

  /** Nothing more of it will be recognised. */
  get ended(): boolean {
    return !this.#choosing && (this.#matcher === null || this.#matcher.ended);
  }

  /** The conversation that was chosen, and bytes of the body, from its first on, that equal those of bodies with it. */
  get equal(): { readonly conversation: Conversation; readonly length: number } | null {
    const matcher = this.#matcher;
    return matcher === null ? null : { conversation: matcher.conversation, length: matcher.conversation.head.length + matcher.equal };
  }

  /** What is kept of the body, in order, and what was left out of it: between the head, which is the first buffer then, and the rest. */
  end(): { readonly kept: readonly Buffer[]; readonly known: KnownPrefix | null } {
    if (this.#choosing) this.#choose();
    return { kept: [...this.#head, ...this.#rest], known: this.#matcher?.result() ?? null };
  }

  #choose(): void {
    this.#choosing = false;
    const start = this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest);
    let best: Matcher | null = null;
    for (const conversation of this.#choice) {
      const { length, sha256 } = conversation.head;
      if (start.length < length || hash('sha256', start.subarray(0, length), 'hex') !== sha256) continue;
      const matcher = new Matcher(conversation);
      matcher.feed(start.subarray(length));
      if (best === null || matcher.matched > best.matched) best = matcher;
    }
    if (best === null) return;
    const { length } = best.conversation.head;
    this.#head = [start.subarray(0, length)];
    this.#rest = [start.subarray(length)];
    this.#matcher = best;
    this.#leaveOut();
  }

  #feed(chunk: Buffer): void {
    this.#matcher!.feed(chunk);
    this.#leaveOut();
  }

  /** Lets go of the bytes of the parts that were passed. */
  #leaveOut(): void {
    const { passed } = this.#matcher!;
    let drop = passed - this.#passed;
    this.#passed = passed;
    if (drop === 0) return;
    let whole = 0;
    while (whole < this.#rest.length && drop >= this.#rest[whole]!.length) drop -= this.#rest[whole++]!.length;
    this.#rest.splice(0, whole);
    if (drop > 0) this.#rest[0] = this.#rest[0]!.subarray(drop);
  }
}

/** Goes along the parts of one conversation. */
class Matcher {
  /** Bytes of the parts that were recognised, up to a cut that stands whatever follows. */
  passed = 0;
  #count = 0;
  /** Bytes that were equal so far. */
  matched = 0;
  #index = 0;
  /** Bytes of the parts before it. */
  #whole = 0;
  #offset = 0;
  /** Something differs, or there is nothing more to compare with. */
  ended = false;
  #digest: Hash | null = null;
  #bytes: Buffer[] = [];
  readonly #received = new Map<number, Buffer>();

  constructor(readonly conversation: Conversation) {}

  /** Bytes that are known to be equal. Those of a part with replaced values are when it was judged. */
  get equal(): number {
    return this.#digest === null ? this.matched : this.#whole;
  }

  feed(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && !this.ended;) {
      const part = this.conversation.parts[this.#index];
      if (part === undefined || !this.#isEqual(part, chunk, at)) {
        this.ended = true;
        return;
      }
      const length = Math.min(part.length - this.#offset, chunk.length - at);
      at += length;
      this.#offset += length;
      this.matched += length;
      if (this.#offset === part.length) this.#pass(part);
    }
  }

  result(): KnownPrefix | null {
    return this.#count === 0 ? null : { conversation: this.conversation, count: this.#count, received: this.#received };
  }

  /** As far as the chunk goes. A part with replaced values is judged at its end. */
  #isEqual(part: KnownPart, chunk: Buffer, at: number): boolean {
    const length = Math.min(part.length - this.#offset, chunk.length - at);
    if (part.scan.masked === null) return part.content.compare(chunk, at, at + length, this.#offset, this.#offset + length) === 0;
    if (part.length > LARGEST_MASKED_PART) return false;
    const bytes = chunk.subarray(at, at + length);
    this.#digest ??= createHash('sha256');
    this.#digest.update(bytes);
    this.#bytes.push(bytes);
    return true;
  }

  #pass(part: KnownPart): void {
    if (this.#digest !== null) {
      const isSame = this.#digest.digest('hex') === part.digest;
      if (isSame) this.#received.set(this.#index, Buffer.concat(this.#bytes));
      this.#digest = null;
      this.#bytes = [];
      if (!isSame) {
        this.matched = this.#whole;
        this.ended = true;
        return;
      }
    }
    this.#index += 1;
    this.#offset = 0;
    this.#whole += part.length;
    if (!part.closed) return;
    this.#count = this.#index;
    this.passed = this.#whole;
  }
}
