import type { Replacement, StreamMasker } from '../../../mask/stream-masker.js';

/** One text of the response that comes in deltas: what is decided of it, and what is to be replaced. Offsets are units of the whole text. */
export class TextChannel {
  length = 0;
  /** Text before this may go out. */
  open = 0;
  /** Some of it went out. */
  begun = false;
  text = '';
  private replacements: Replacement[] = [];
  private granted = false;
  private released = false;

  constructor(
    private readonly masker: StreamMasker | null,
    /** True when policy judges the text as a whole: nothing goes out before `release`. */
    readonly isKept: boolean,
  ) {}

  /** Takes the next piece of text. @returns the replacements that were decided by it. */
  push(text: string): readonly Replacement[] {
    this.length += text.length;
    if (this.isKept) this.text += text;
    return this.decided(this.masker === null ? [] : this.masker.push(text));
  }

  /** No more text follows. */
  end(): readonly Replacement[] {
    return this.decided(this.masker === null ? [] : this.masker.end());
  }

  /** The kept text may go out; with `granted` also the values an approver let through, but not into the trail. */
  release(granted: boolean): void {
    this.granted = granted;
    this.released = true;
    this.open = this.length;
  }

  /** Stands in for everything: policy wants the text hidden, but names no value in it. */
  replaceAll(text: string): void {
    this.replacements = [{ start: 0, end: this.length, text, action: 'mask' }];
  }

  /** Text [from, to) as the client (or the trail) gets it. */
  render(from: number, own: string, forTrail: boolean): string {
    const to = from + own.length;
    let out = '';
    let at = from;
    for (const replacement of this.replacements) {
      if (replacement.end <= at || (!forTrail && this.passesAsIs(replacement))) continue;
      if (replacement.start >= to) break;
      if (replacement.start >= at) out += own.slice(at - from, replacement.start - from) + replacement.text;
      at = Math.min(to, replacement.end);
    }
    return out + own.slice(at - from);
  }

  /** Forgets what lies before. */
  passed(at: number): void {
    let drop = 0;
    while (drop < this.replacements.length && this.replacements[drop]!.end <= at) drop++;
    if (drop > 0) this.replacements.splice(0, drop);
  }

  /** `whole` with every value replaced: what people and the trail may see. */
  maskedOf(whole: string): string {
    return this.render(0, whole, true);
  }

  get isReleased(): boolean {
    return this.released;
  }

  /** True when people are to be asked about a value in it. */
  get asks(): boolean {
    return this.replacements.some((replacement) => replacement.action === 'hold');
  }

  /** The judge's replacements for a kept text: all of them at once. */
  setReplacements(replacements: readonly Replacement[]): void {
    this.replacements = [...replacements];
  }

  /** True for a value the client gets and the trail does not. */
  passesAsIs({ action }: Replacement): boolean {
    return action === 'allow' || (action === 'hold' && this.granted);
  }

  private decided(replacements: readonly Replacement[]): readonly Replacement[] {
    this.replacements.push(...replacements);
    if (!this.isKept) this.open = this.masker === null ? this.length : this.masker.settled;
    return replacements;
  }
}
