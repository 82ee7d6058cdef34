import type { RestoreStream } from '../../../mask/restore-stream.js';
import { insert, isRestoration, type Restoration } from '../../../mask/restorer.js';
import { isCarriedOut, type Replacement, type StreamMasker, type Treatment } from '../../../mask/stream-masker.js';

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
    /** Gives the caller's values back; null when nothing may be. */
    private readonly restore: RestoreStream | null = null,
  ) {}

  /** Takes the next piece of text. @returns the replacements that were decided by it. */
  push(text: string): readonly Replacement[] {
    this.length += text.length;
    if (this.isKept) this.text += text;
    const masks = this.masker === null ? [] : this.masker.push(text);
    const until = this.masker === null ? this.length : this.masker.settled;
    return this.decided(masks, this.restore === null ? [] : this.restore.push(text, masks, until));
  }

  /** No more text follows. */
  end(): readonly Replacement[] {
    const masks = this.masker === null ? [] : this.masker.end();
    return this.decided(masks, this.restore === null ? [] : this.restore.end(masks));
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
      if (replacement.end <= at || !this.carries(replacement, forTrail)) continue;
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

  /** What the client gets back of it. */
  get restorations(): readonly Restoration[] {
    return this.restore === null ? [] : this.replacements.filter(isRestoration);
  }

  /** Whether the client (or the trail) gets the text with the replacement. */
  carries({ action }: Replacement, forTrail: boolean): boolean {
    return isCarriedOut(action, forTrail, (treated: Treatment) => treated === 'allow' || (treated === 'hold' && this.granted));
  }

  private decided(masks: readonly Replacement[], restored: readonly Restoration[]): readonly Replacement[] {
    insert(this.replacements, masks, restored);
    if (!this.isKept) this.open = this.restore?.settled ?? this.masker?.settled ?? this.length;
    return restored.length === 0 ? masks : [...masks, ...restored];
  }
}
