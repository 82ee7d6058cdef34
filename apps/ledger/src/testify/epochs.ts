import type { EventDraft } from '#events';
import type { SealedState } from '#tlog';
import { epochClosedDraft, epochOpenedDraft } from './drafts.js';
import type { OwnWord } from './own-words.js';
import type { EpochSpan, Trail } from './trail.js';

export const EPOCH_KINDS = ['epoch.opened', 'epoch.closed'] as const;

/** The newest life of a source's process that was told of. */
interface Life {
  readonly epoch: number;
  readonly first: number;
  /** Last seq of it that was looked at. */
  last: number;
  stop: number | null;
  /** Last seq by which it was told that it is closed; null while it is open. */
  closedAt: number | null;
}

/**
 * Which lives of its process every source has had: told when the first event of one is sealed, and when it has ended. It has ended when the
 * source says so with its last event, or when the next one begins: then perhaps without a word.
 */
export class Epochs {
  readonly #lives: Map<string, Life>;

  constructor(
    private readonly trail: Pick<Trail, 'epochs'>,
    words: readonly OwnWord[],
    /** Our own life: whoever says that it has ended has not. */
    private readonly own: { readonly source: string; readonly epoch: number },
  ) {
    this.#lives = livesToldBy(words);
  }

  /** What is to be told of the sealed tree. It counts as told: after a failed record, build this anew. @throws AffiantError engine_failed */
  async drafts(sealed: SealedState): Promise<EventDraft[]> {
    const ranges = Object.entries(sealed.frontiers)
      .map(([source, to]) => ({ source, from: (this.#lives.get(source)?.last ?? 0) + 1, to }))
      .filter(({ from, to }) => from <= to);
    const drafts: EventDraft[] = [];
    const bySource = new Map<string, EpochSpan[]>();
    for (const span of await this.trail.epochs(ranges)) bySource.set(span.source, [...(bySource.get(span.source) ?? []), span]);
    for (const [source, spans] of bySource) drafts.push(...this.#follow(source, spans, sealed));
    return drafts;
  }

  #follow(source: string, spans: readonly EpochSpan[], sealed: SealedState): EventDraft[] {
    const drafts: EventDraft[] = [];
    let life = this.#lives.get(source);
    const close = (one: Life, next: number | null): void => {
      if (one.closedAt === one.last) return;
      drafts.push(epochClosedDraft({ source, ...one, next }, sealed));
      one.closedAt = one.last;
    };
    for (const span of spans) {
      if (life?.epoch !== span.epoch) {
        if (life !== undefined) close(life, span.epoch);
        drafts.push(epochOpenedDraft(span, sealed));
        life = { epoch: span.epoch, first: span.first, last: span.last, stop: span.stop, closedAt: null };
        this.#lives.set(source, life);
      } else {
        life.last = span.last;
        life.stop = span.stop ?? life.stop;
      }
    }
    const isOwn = source === this.own.source && life?.epoch === this.own.epoch;
    if (life !== undefined && life.stop === life.last && !isOwn) close(life, null);
    return drafts;
  }
}

/** Of each source the life with the highest first seq. An event of somebody else that borrows the kind and says something else with it is none. */
function livesToldBy(words: readonly OwnWord[]): Map<string, Life> {
  const lives = new Map<string, Life>();
  for (const { kind, subject, attributes } of words) {
    const [epoch, first] = [Number(attributes['epoch']), Number(attributes['first'])];
    if (kind !== 'epoch.opened' || !Number.isSafeInteger(epoch) || !Number.isSafeInteger(first) || first < 1) continue;
    if ((lives.get(subject)?.first ?? 0) < first) lives.set(subject, { epoch, first, last: first - 1, stop: null, closedAt: null });
  }
  for (const { kind, subject, attributes } of words) {
    const life = lives.get(subject);
    const last = Number(attributes['last']);
    if (kind !== 'epoch.closed' || life?.epoch !== Number(attributes['epoch']) || !Number.isSafeInteger(last)) continue;
    life.closedAt = Math.max(life.closedAt ?? 0, last);
  }
  return lives;
}
