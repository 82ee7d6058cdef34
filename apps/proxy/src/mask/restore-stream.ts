import type { ScanStream } from '#detect';
import type { Steps } from '#wire';
import { askDetector } from './guard.js';
import { SCAN_BYTES } from './large-leaf.js';
import { restoration, type Restoration, type Restorer } from './restorer.js';
import type { Replacement } from './stream-masker.js';

/** Units of text in front of a placeholder that a new look begins with: more than rules look back or hold. */
const TAIL_UNITS = 512;

/** Placeholders that may wait for each other; those above stay. */
const MOST_TOGETHER = 32;

/** Placeholders that are looked at one by one after one of them was not found again. */
const ONE_BY_ONE = 64;

type Found = NonNullable<ReturnType<Restorer['next']>>['found'];

/** A placeholder whose value waits to be found again in its new place. Offsets are units of the upstream's text, `at` of the client's. */
interface Candidate {
  readonly start: number;
  readonly end: number;
  readonly at: number;
  readonly found: Found;
  isSame: boolean;
}

/** Text for the client since the oldest candidate; with `candidate` it is the placeholder itself. */
interface Token {
  readonly text: string;
  readonly candidate: Pick<Candidate, 'start' | 'end' | 'found'> | null;
}

/**
 * Gives values back in one text that arrives in pieces. A value is given back only when masking the client's text as a request would put the same
 * placeholder in the same place: the caller sends the text back with the next turn, and then nothing must go upstream that did not come from there. Held back
 * are the beginning of a placeholder, and a placeholder until that is known.
 */
export class RestoreStream {
  /** Text before this is decided. Units of the upstream's text. */
  settled = 0;
  private text = '';
  private from = 0;
  private masks: Replacement[] = [];
  private scan: ScanStream;
  /** Units of the client's text before the scan's first. */
  private base = 0;
  private length = 0;
  /** Text before the oldest candidate. */
  private tail = '';
  /** The end of the client's text, which the scan was not given yet: it reads a text in few large pieces far more cheaply than in many small ones. */
  private unread = '';
  /** How many placeholders are still to be looked at one by one; 0 = together, which gives the same as long as all are found again. */
  private oneByOne = 0;
  private tokens: Token[] = [];
  private pending: Candidate[] = [];
  private readonly decided: Restoration[] = [];

  constructor(private readonly restorer: Restorer) {
    this.scan = askDetector(() => restorer.requestDetector.open());
  }

  /**
   * Takes the next piece of the upstream's text, with what masking decided.
   * @param until masks are decided before this
   * @returns what is given back in text that is decided now
   * @throws AffiantError detector_failed
   */
  push(piece: string, masks: readonly Replacement[], until: number): readonly Restoration[] {
    this.text += piece;
    this.masks.push(...masks);
    this.read(until, false);
    this.decide(false);
    this.settled = this.pending[0]?.start ?? this.from;
    return this.decided.splice(0);
  }

  /** No more text follows. @throws AffiantError detector_failed */
  end(masks: readonly Replacement[]): readonly Restoration[] {
    this.masks.push(...masks);
    this.read(this.from + this.text.length, true);
    this.decide(true);
    this.settled = this.from;
    return this.decided.splice(0);
  }

  /** Goes over text whose masks are decided. */
  private read(until: number, isEnd: boolean): void {
    while (this.from < until) {
      const [mask] = this.masks;
      const stop = mask !== undefined && mask.start < until ? mask.start : until;
      const isOpen = stop === until && !isEnd;
      if (!this.plain(stop - this.from, isOpen)) break;
      if (this.from < stop || mask === undefined || mask.start >= until) continue;
      this.take(mask.text, mask.end - mask.start, null);
      this.masks.shift();
    }
  }

  /** @returns false when the rest may be the beginning of a placeholder, and has to wait. */
  private plain(units: number, isOpen: boolean): boolean {
    const text = this.text.slice(0, units);
    let at = 0;
    for (let next = this.restorer.next(text, 0); next !== null; next = this.restorer.next(text, at)) {
      this.take(text.slice(at, next.start), next.start - at, null);
      const { start, end, found } = next;
      const begin = this.from;
      this.take(found.brought.value, end - start, { start: begin, end: begin + end - start, found });
      at = end;
    }
    const held = isOpen ? this.beginning(text, at) : -1;
    const stop = held === -1 ? text.length : held;
    this.take(text.slice(at, stop), stop - at, null);
    return held === -1;
  }

  private beginning(text: string, from: number): number {
    for (let at = text.indexOf('[', Math.max(from, text.length - this.restorer.longest)); at !== -1; at = text.indexOf('[', at + 1))
      if (this.restorer.begins(text.slice(at))) return at;
    return -1;
  }

  /** Moves on over `units` of the upstream's text that read `text` for the client. */
  private take(text: string, units: number, candidate: Token['candidate']): void {
    this.text = this.text.slice(units);
    this.from += units;
    if (text !== '') this.append({ text, candidate });
  }

  private append(token: Token): void {
    const { text, candidate } = token;
    if (candidate !== null) {
      if (!this.mayJoin()) return this.append({ text: candidate.found.brought.placeholder, candidate: null });
      if (this.oneByOne > 0) this.oneByOne--;
      this.pending.push({ ...candidate, at: this.length, isSame: false });
    }
    if (this.pending.length > 0) this.tokens.push(token);
    else this.tail = (this.tail + text).slice(-TAIL_UNITS);
    this.length += text.length;
    this.unread += text;
    if (this.unread.length >= SCAN_BYTES) this.readOn();
  }

  /** Whether one more placeholder may wait with those that do. */
  private mayJoin(): boolean {
    if (this.pending.length > 0 && (this.oneByOne > 0 || this.pending.length === MOST_TOGETHER)) this.decide(false);
    if (this.pending.length === MOST_TOGETHER && this.oneByOne === 0) {
      this.again(null);
      this.decide(false);
    }
    return this.pending.length < MOST_TOGETHER;
  }

  /** Decides of the candidates what can be decided. */
  private decide(isEnd: boolean): void {
    while (this.pending.length > 0) {
      this.readOn();
      if (isEnd) this.note(askDetector(() => this.scan.end()));
      if (!this.settle(isEnd)) return;
    }
  }

  private readOn(): void {
    const text = this.unread;
    this.unread = '';
    if (text !== '') this.note(askDetector(() => this.scan.push(text)));
  }

  /** Values found in the client's text, as a request would find them. */
  private note(spans: ReturnType<ScanStream['push']>): void {
    for (const span of spans) {
      const start = this.base + span.start;
      const candidate = this.pending.find(({ at, found }) => at === start && at + found.brought.value.length === this.base + span.end);
      if (candidate !== undefined && this.restorer.isSame(candidate.found, span)) candidate.isSame = true;
    }
  }

  /**
   * Those that stand so close that one was read to decide another are given back together, or looked at again without the one that is not. Whoever is not
   * found again among many is looked at again one by one: what stands far behind it must not be part of its group.
   * @returns true when what is pending is looked at anew
   */
  private settle(isEnd: boolean): boolean {
    for (const candidate of this.pending) {
      if (!isEnd && this.base + this.scan.settled < candidate.at + candidate.found.brought.value.length) return false;
      if (candidate.isSame) continue;
      this.again(this.oneByOne > 0 ? candidate : null);
      return true;
    }
    for (const { start, end, found } of this.pending) this.decided.push(restoration(start, end, found.brought.value, found));
    for (const { text } of this.tokens) this.tail += text;
    this.tail = this.tail.slice(-TAIL_UNITS);
    this.pending = [];
    this.tokens = [];
    return false;
  }

  /** Looks at all that is not decided anew, one by one; the placeholder of `refused` stays: what stands beside it is another text then. */
  private again(refused: Candidate | null): void {
    const { tokens } = this;
    const [first] = this.pending;
    if (first === undefined) return;
    this.oneByOne = ONE_BY_ONE;
    this.tokens = [];
    this.pending = [];
    this.scan = askDetector(() => this.restorer.requestDetector.open());
    this.length = first.at;
    this.base = first.at - this.tail.length;
    this.unread = this.tail;
    for (const token of tokens)
      this.append(
        refused !== null && token.candidate?.start === refused.start ? { text: refused.found.brought.placeholder, candidate: null } : token,
      );
  }
}

/** What is given back in a text that is there whole, in steps; the same as in pieces. @throws AffiantError detector_failed */
export function* restoreSteps(text: string, masks: readonly Replacement[], restorer: Restorer | null): Steps<readonly Restoration[]> {
  if (restorer?.next(text, 0) == null) return [];
  const stream = new RestoreStream(restorer);
  const restored: Restoration[] = [];
  let mask = 0;
  for (let at = 0; at < text.length;) {
    let until = Math.min(text.length, at + SCAN_BYTES);
    const first = mask;
    for (; mask < masks.length && masks[mask]!.start < until; mask++) until = Math.max(until, masks[mask]!.end);
    restored.push(...stream.push(text.slice(at, until), masks.slice(first, mask), until));
    at = until;
    yield;
  }
  restored.push(...stream.end([]));
  return restored;
}
