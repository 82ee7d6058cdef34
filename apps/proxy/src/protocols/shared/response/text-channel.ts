import type { Edit } from '#wire';
import type { Replacement, StreamMasker } from '../../../mask/stream-masker.js';
import { frameBytes, textEdit, type FramedEvent } from './frame-bytes.js';
import type { OutItem, Rendered } from './outbox.js';

/**
 * A delta is only split when at least this much of it can go out: short ones wait whole, and so keep their bytes. The first words of a text go out
 * at once, however few: somebody waits for them.
 */
const SPLIT_UNITS = 8;
const NOTHING = Buffer.alloc(0);

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

/** A delta of a channel. */
export class TextItem implements OutItem {
  readonly weight: number;
  private isFirst = false;

  constructor(
    private readonly event: FramedEvent,
    /** Where the text stands in the event's data. */
    private readonly range: { readonly start: number; readonly end: number },
    readonly channel: TextChannel,
    /** Edits of other values in the same event. */
    private readonly edits: readonly Edit[],
    private from: number,
    private own: string,
    /** True when the text is no longer the event's own. */
    private rewritten: boolean,
  ) {
    this.weight = event.frame.raw.length;
  }

  /**
   * What is left after the first part went out; null when nothing did. The next delta takes it over. What is left of the first words goes out by
   * itself: taken over, it would make every delta after it one with another's text.
   */
  get rest(): { readonly from: number; readonly text: string } | null {
    return this.rewritten && !this.isFirst ? { from: this.from, text: this.own } : null;
  }

  take(): Rendered | null {
    const { channel } = this;
    const ready = channel.open - this.from;
    if (ready >= this.own.length) {
      const rendered = this.bytes(this.own, true);
      channel.passed(this.from + this.own.length);
      return rendered;
    }
    const cut = isInsidePair(this.own, ready) ? ready - 1 : ready;
    if (cut < (channel.begun ? SPLIT_UNITS : 1)) return null;
    const part = this.own.slice(0, cut);
    if (!channel.begun && part.trim() === '') return null;
    this.isFirst = !channel.begun;
    this.rewritten = true;
    const rendered = this.bytes(part, false);
    this.from += cut;
    this.own = this.own.slice(cut);
    return rendered;
  }

  private bytes(part: string, done: boolean): Rendered {
    this.channel.begun = true;
    const clientText = this.channel.render(this.from, part, false);
    const trailText = this.channel.render(this.from, part, true);
    const client = this.bytesOf(part, clientText);
    return { client, trail: trailText === clientText ? client : this.bytesOf(part, trailText), done };
  }

  private bytesOf(part: string, text: string): Buffer {
    if (text === '' && part !== '') return NOTHING;
    return frameBytes(this.event, text === part && !this.rewritten ? this.edits : [...this.edits, textEdit(this.range, text)]);
  }
}

function isInsidePair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}
