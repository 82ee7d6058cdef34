import type { EventDraft } from '#events';
import type { SealedState } from '#tlog';
import { abortedDraft, answeredDraft } from './drafts.js';
import type { OwnWord } from './own-words.js';
import type { Trail } from './trail.js';

export const EXCHANGE_KINDS = ['exchange.aborted', 'exchange.answered'] as const;

/** Leaves looked through at once. */
const WINDOW = 65_536;
/** Windows of one look: sealing waits for it, and a ledger that never looked has many. */
const WINDOWS = 16;
/** Exchanges whose late response is waited for: a response that comes after so many others were given up is in the trail, and not told of. */
const MAX_WAITING = 10_000;

/**
 * Requests that got no response: told once a request has been sealed for longer than the limit and no response of its exchange is there. It is no
 * response, and none is invented. A response that comes nevertheless is told too.
 */
export class Exchanges {
  /** Exchanges that were told to be without a response, oldest first. */
  readonly #waiting = new Set<string>();
  /** Every request among so many leaves has a response, or was told of. */
  #accounted: number | null = null;

  constructor(
    private readonly trail: Omit<Trail, 'epochs'>,
    words: readonly OwnWord[],
    /** Milliseconds. */
    private readonly limit: number,
  ) {
    const answered = new Set(words.filter(({ kind }) => kind === 'exchange.answered').map(({ subject }) => subject));
    for (const { kind, subject } of words) if (kind === 'exchange.aborted' && !answered.has(subject)) this.#wait(subject);
  }

  /** As the frontier tells it; null before the first look. */
  get accounted(): number | null {
    return this.#accounted;
  }

  /** What is to be told of the sealed tree. It counts as told: after a failed record, build this anew. @throws AffiantError engine_failed */
  async drafts(sealed: SealedState, nowUs: number): Promise<EventDraft[]> {
    const late = await this.trail.answers([...this.#waiting], sealed.tree_size);
    for (const { exchange } of late) this.#waiting.delete(exchange);
    const drafts = late.map((answer) => answeredDraft(answer, sealed));
    let from = (this.#accounted ??= await this.trail.accounted());
    const old = await this.trail.sizeAt(nowUs - this.limit * 1_000);
    const end = Math.min(old, sealed.tree_size, from + WINDOWS * WINDOW);
    for (; from < end; from = Math.min(from + WINDOW, end)) {
      for (const request of await this.trail.unanswered(from, Math.min(from + WINDOW, end))) {
        if (this.#waiting.has(request.exchange)) continue;
        drafts.push(abortedDraft(request, this.limit, sealed));
        this.#wait(request.exchange);
      }
    }
    this.#accounted = from;
    return drafts;
  }

  #wait(exchange: string): void {
    this.#waiting.add(exchange);
    if (this.#waiting.size > MAX_WAITING) this.#waiting.delete(this.#waiting.values().next().value!);
  }
}
