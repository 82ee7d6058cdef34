import { DEFAULT_MIN_SCORE } from '../entity-types.js';
import type { Assessor } from '../port.js';

/** Units before a candidate's first unit that any rule may look at; a stream keeps as many in front of what it holds. */
export const LOOKBACK = 96;

/** Units before a number in which a context word counts. */
export const CONTEXT_REACH = 64;

/** Only the look or the words around it speak for it. */
export const LIKELY = 0;
/** A checksum or a self-evident structure. */
export const VERIFIED = 1;
/** Nothing else can stand at this place. */
export const CERTAIN = 2;

/** A stretch of text that becomes a candidate span. */
export interface Candidate {
  readonly start: number;
  readonly end: number;
  readonly type: string;
  readonly rule: string;
  readonly score: number;
  /** LIKELY, VERIFIED or CERTAIN: of overlapping candidates the stronger wins. */
  readonly strength: number;
  /** The value is longer than one span: what follows and still belongs to it is masked too. */
  readonly more?: Continuation;
  /** Of an assessor. */
  readonly grade?: number;
}

/** A row of digits too long for any number: masked whatever policy thinks of scores. */
export const OVERFLOW_RULE = 'digit_overflow@1';

/** The candidate if it counts, with its grade; null when it is too weak or to be left alone. */
export function assessed(candidate: Candidate, text: string, assessor: Assessor | null): Candidate | null {
  const { type, score, rule, start, end } = candidate;
  const isOverflow = rule === OVERFLOW_RULE;
  if (assessor === null) return isOverflow || score >= DEFAULT_MIN_SCORE ? candidate : null;
  const grade = isOverflow ? assessor.assess(type, 1, '') : assessor.assess(type, score, text.slice(start, end));
  return grade === 0 ? null : { ...candidate, grade };
}

/** Class of characters that still belong to a value that was cut at its length limit. */
export type Continuation = 'digits' | 'token' | 'value' | 'pem';

/**
 * The text rules look at. A rule that reads at or past the end of text that may still grow has `touched` it: its answer for that start is not final,
 * and the start is held. That alone makes streaming equal to scanning the whole.
 */
export class Window {
  touched = false;

  constructor(
    readonly text: string,
    /** No more text follows. */
    readonly final: boolean,
    /** Offset of the first undecided unit: candidates that start before it do not count. */
    public from: number,
  ) {}

  get end(): number {
    return this.text.length;
  }

  /** Code unit at `index`, or -1 outside. */
  at(index: number): number {
    if (index >= this.text.length) {
      this.touched = true;
      return -1;
    }
    return index < 0 ? -1 : this.text.charCodeAt(index);
  }

  /** Reads `literal` at `index`. */
  startsWith(literal: string, index: number): boolean {
    for (let offset = 0; offset < literal.length; offset++) {
      if (this.at(index + offset) !== literal.charCodeAt(offset)) return false;
    }
    return true;
  }
}

/** Where rules put what they find. */
export class Findings {
  readonly candidates: Candidate[] = [];
  /** First start whose answer later text may change. */
  open = Number.POSITIVE_INFINITY;
  private begun = 0;

  constructor(
    private readonly window: Window,
    private readonly assessor: Assessor | null,
  ) {}

  /** Call before the rules of one start run; false when that start is decided already and they need not. */
  begin(start: number): boolean {
    this.window.touched = false;
    this.begun = this.candidates.length;
    return start >= this.window.from;
  }

  add(candidate: Candidate | null): void {
    const counted = candidate === null ? null : assessed(candidate, this.window.text, this.assessor);
    if (counted !== null) this.candidates.push(counted);
  }

  /** Call after them: what they found does not count when they read past the end of text that may still grow. */
  finish(start: number): void {
    if (!this.window.touched || this.window.final) return;
    this.candidates.length = this.begun;
    this.hold(start);
  }

  hold(start: number): void {
    const from = Math.max(start, this.window.from);
    if (from < this.open) this.open = from;
  }
}
