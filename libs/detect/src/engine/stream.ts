import type { Wanted } from '../entity-types.js';
import type { Finder } from '../patterns/counts.js';
import { bounded } from '../patterns/work.js';
import { base64End, STICKY_LIMIT } from '../secrets/pem.js';
import { MAX_VALUE, isValueUnit } from '../secrets/value.js';
import { DIGIT_OVERFLOW } from '../numbers/numbers.js';
import { isDigit, isToken } from './characters.js';
import { collect } from './collect.js';
import { Normaliser } from './normalise.js';
import { better, byStart } from './preference.js';
import type { Sieve } from './sieve.js';
import { LOOKBACK, Window, type Candidate, type Continuation } from './window.js';
import type { Assessor, ScanStream, Span } from '../port.js';

/** Above every hold of ordinary values; see Detector.maxHold. */
const LONG_HOLD = 512;
const ONLY_GROWS = /^[A-Za-z0-9+/=_]+$/;

/** What a stream needs of its detector. */
export interface Rules {
  readonly wanted: Wanted;
  /** Null: rules look everywhere, and find the same. */
  readonly sieve: Sieve | null;
  readonly patterns: readonly Finder[];
  /** Steps that the patterns may take of a scan of so many units; null without expressions among them. */
  readonly steps: ((units: number) => number) | null;
  readonly assessor: Assessor | null;
}

/**
 * Decides from left to right: the leftmost candidate competes with all that overlap it, the best one becomes a span, and the search goes on behind it. A
 * candidate is only decided when nothing that could still change overlaps it. Scanning a whole text is a stream of one piece, so both give the same spans.
 */
export class Scanner implements ScanStream {
  /** Normalised text from a little before the first undecided unit. */
  private text = '';
  /** Index in `text` of the first undecided unit. */
  private cut = 0;
  private continuing: { readonly candidate: Candidate; readonly kind: Continuation } | null = null;
  /** Held units when they were last looked at. */
  private looked = 0;
  private readonly normaliser = new Normaliser();

  constructor(private readonly rules: Rules) {}

  get length(): number {
    return this.normaliser.length;
  }

  get settled(): number {
    return this.normaliser.originOf(this.cut, this.text.length);
  }

  push(piece: string): readonly Span[] {
    if (piece === '') return [];
    this.text += this.normaliser.add(piece);
    if (this.isStill(piece)) return [];
    return this.advance(false);
  }

  /** The spans of a whole text; the scanner is used up. */
  whole(text: string): Span[] {
    this.text = this.normaliser.add(text) + this.normaliser.flush();
    return this.advance(true);
  }

  end(): readonly Span[] {
    this.text += this.normaliser.flush();
    const spans = this.advance(true);
    this.cut = this.text.length;
    return spans;
  }

  /**
   * True while a long secret only grows: what is held is looked at again when it has grown by an eighth, or when the piece may end it. Otherwise a
   * secret of n units would cost n squared.
   */
  private isStill(piece: string): boolean {
    const held = this.text.length - this.cut;
    return held > LONG_HOLD && held - this.looked < held / 8 && ONLY_GROWS.test(piece);
  }

  private advance(final: boolean): Span[] {
    const spans: Span[] = [];
    const window = new Window(this.text, final, this.cut);
    if (this.finishContinuation(window, spans)) {
      const { steps } = this.rules;
      if (steps === null) this.decide(window, spans);
      else
        bounded(steps(this.text.length - this.cut), () => {
          this.decide(window, spans);
        });
    }
    this.forget();
    this.looked = this.text.length - this.cut;
    return spans;
  }

  private decide(window: Window, spans: Span[]): void {
    const { rules } = this;
    window.from = this.cut;
    const findings = collect(window, rules.wanted, rules.sieve, rules.assessor);
    const candidates = findings.candidates.sort(byStart);
    let open = findings.open;
    if (!window.final) for (const pattern of rules.patterns) open = Math.min(open, pattern.openFrom(window.text, this.cut));
    const next: (Candidate | null)[] = rules.patterns.map((pattern) => pattern.next(window, this.cut));
    let first = 0;
    for (;;) {
      while (first < candidates.length && (candidates[first] as Candidate).start < this.cut) first++;
      for (const [index, found] of next.entries()) {
        if (found !== null && found.start < this.cut) next[index] = (rules.patterns[index] as Finder).next(window, this.cut);
      }
      let leftmost = candidates[first] ?? null;
      for (const found of next) if (found !== null && (leftmost === null || found.start < leftmost.start)) leftmost = found;
      if (leftmost === null || leftmost.start >= open) break;
      if (leftmost.end > open) {
        open = leftmost.start;
        break;
      }
      let winner = leftmost;
      for (let index = first; index < candidates.length && (candidates[index] as Candidate).start < leftmost.end; index++) {
        winner = better(winner, candidates[index] as Candidate);
      }
      for (const found of next) if (found !== null && found.start < leftmost.end) winner = better(winner, found);
      this.emit(winner, winner.end, spans);
      if (!this.finishContinuation(window, spans)) return;
      open = Math.max(open, this.cut);
    }
    this.cut = Math.max(this.cut, Math.min(open, window.end));
  }

  private emit(candidate: Candidate, end: number, spans: Span[]): void {
    const { type, rule, score, grade } = candidate;
    const start = Math.max(candidate.start, this.cut);
    const place = { start: this.normaliser.originOf(start, this.text.length), end: this.normaliser.endOf(end) };
    spans.push({ type, ...place, rule, score, ...(grade === undefined ? {} : { grade }) });
    this.cut = end;
    if (candidate.more !== undefined) this.continuing = { candidate, kind: candidate.more };
  }

  /** Masks what still belongs to a value that was cut at its length limit. False when more text is needed to know. */
  private finishContinuation(window: Window, spans: Span[]): boolean {
    while (this.continuing !== null) {
      const { candidate, kind } = this.continuing;
      const limit = this.cut + (kind === 'digits' ? DIGIT_OVERFLOW : kind === 'value' ? MAX_VALUE : STICKY_LIMIT);
      window.touched = false;
      const end = kind === 'pem' ? base64End(window, this.cut, limit) : runEnd(window, this.cut, limit, kind);
      if (window.touched && !window.final) return false;
      this.continuing = null;
      if (end > this.cut) this.emit({ ...candidate, start: this.cut, more: end === limit ? kind : undefined }, end, spans);
    }
    return true;
  }

  /** Drops decided text that no rule looks back to. */
  private forget(): void {
    const drop = this.cut - LOOKBACK;
    if (drop <= 0) return;
    this.text = this.text.slice(drop);
    this.cut = LOOKBACK;
    this.normaliser.drop(drop);
  }
}

function runEnd(window: Window, from: number, limit: number, kind: Continuation): number {
  const belongs = kind === 'digits' ? isDigit : kind === 'value' ? isValueUnit : isTokenOrDot;
  let end = from;
  while (end < limit && belongs(window.at(end))) end++;
  return end;
}

const isTokenOrDot = (code: number): boolean => isToken(code) || code === 46;
