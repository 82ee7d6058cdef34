import type { Conversation } from './conversation.js';
import { PrefixFollower } from './follower.js';

/** Conversations of one caller and session that are kept: an agent leads several at a time, its own and those of its helpers. */
const PER_CALLER = 4;
const IDLE_MS = 600_000;

interface Kept {
  readonly conversation: Conversation;
  usedMs: number;
}

/**
 * What callers sent before, as it went upstream, so that it is neither read, hashed nor scanned again when they send it once more. Memory only, bounded in
 * bytes and in time; a caller's are found by nobody else.
 */
export class Conversations {
  /** Caller and session -> the newest first. The least recently used key is the first. */
  readonly #kept = new Map<string, Kept[]>();
  #bytes = 0;

  constructor(private readonly maxBytes: number = 64 << 20) {}

  knows(caller: string): boolean {
    return this.#kept.has(caller);
  }

  /** Follows a body of the caller; null when there is nothing to follow. */
  follow(caller: string, scope: string, nowMs: number): PrefixFollower | null {
    const all = this.#kept.get(caller);
    if (all === undefined) return null;
    this.#touch(caller, all);
    const choice = all.filter(({ conversation }) => conversation.scope === scope);
    for (const kept of choice) kept.usedMs = nowMs;
    return choice.length === 0 ? null : new PrefixFollower(choice.map(({ conversation }) => conversation));
  }

  /** Keeps what a call carried, in place of what it goes on from. */
  keep(caller: string, conversation: Conversation, nowMs: number): void {
    if (conversation.weight > this.maxBytes / 4) return;
    const all = this.#kept.get(caller) ?? [];
    const others = all.filter((kept) => !isContinued(kept.conversation, conversation));
    const now = [{ conversation, usedMs: nowMs }, ...others.slice(0, PER_CALLER - 1)];
    this.#bytes += sum(now) - sum(all);
    this.#touch(caller, now);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.maxBytes) break;
      this.#drop(oldest);
    }
  }

  /** Forgets what nobody sent for ten minutes. */
  sweep(nowMs: number): void {
    for (const [caller, all] of this.#kept) {
      const left = all.filter(({ usedMs }) => usedMs > nowMs - IDLE_MS);
      if (left.length === all.length) continue;
      this.#bytes += sum(left) - sum(all);
      if (left.length === 0) this.#kept.delete(caller);
      else this.#kept.set(caller, left);
    }
  }

  get usedBytes(): number {
    return this.#bytes;
  }

  #touch(caller: string, all: Kept[]): void {
    this.#kept.delete(caller);
    this.#kept.set(caller, all);
  }

  #drop(caller: string): void {
    this.#bytes -= sum(this.#kept.get(caller) ?? []);
    this.#kept.delete(caller);
  }
}

/** A call that went back to an early turn leaves the longer conversation where it is. */
function isContinued(kept: Conversation, by: Conversation): boolean {
  return kept.lineage === by.lineage && by.parts.length * 2 >= kept.parts.length;
}

function sum(all: readonly Kept[]): number {
  let bytes = 0;
  for (const { conversation } of all) bytes += conversation.weight;
  return bytes;
}
