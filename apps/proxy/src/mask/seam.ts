import type { Detector, Span } from '#detect';
import type { SelectedPolicy } from '#policy';
import { askDetector } from './guard.js';

/** Units on each side of the border between two texts that are read together. */
const REACH = 128;

/**
 * Watches the border between consecutive texts of one response, each of which is masked by itself: a value that begins in one and ends in the next is
 * found when the next one comes. Its beginning may have gone out by then and cannot be called back, so it is reported.
 */
export class Seam {
  private last = '';
  private own = '';
  private head = '';
  private isChecked = true;

  constructor(
    private readonly detector: Detector,
    private readonly policy: SelectedPolicy,
    /** Is told of each value that lies across a border and that policy wants kept. */
    private readonly leaked: (entity: string, rule: string, policy: string) => void,
  ) {}

  /** A text that is there whole. @throws AffiantError detector_failed */
  whole(text: string): void {
    this.begin();
    this.push(text);
    this.end();
  }

  /** A new text begins. */
  begin(): void {
    this.last = this.own;
    this.own = '';
    this.head = '';
    this.isChecked = this.last === '';
  }

  /** The text goes on. @throws AffiantError detector_failed */
  push(piece: string): void {
    this.own = (this.own + piece).slice(-REACH);
    if (this.isChecked) return;
    this.head += piece.slice(0, REACH - this.head.length);
    if (this.head.length >= REACH) this.check();
  }

  /** The text has ended. @throws AffiantError detector_failed */
  end(): void {
    if (!this.isChecked) this.check();
  }

  private check(): void {
    this.isChecked = true;
    if (this.head === '') return;
    const border = this.last.length;
    const across = this.scan(this.last + this.head).filter(({ start, end }) => start < border && end > border);
    if (across.length === 0) return;
    const before = this.scan(this.last);
    const after = this.scan(this.head);
    for (const span of across) {
      const isMasked =
        before.some(({ start, end }) => start <= span.start && end === border) &&
        after.some(({ start, end }) => start === 0 && end >= span.end - border);
      const { action, policy } = this.policy.actionFor('response', span.type, span.grade);
      if (!isMasked && action !== 'allow') this.leaked(span.type, span.rule, policy);
    }
  }

  private scan(text: string): readonly Span[] {
    return askDetector(() => this.detector.scan(text));
  }
}
