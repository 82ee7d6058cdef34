import type { Edit } from '#wire';
import { frameBytes, textEdit, type FramedEvent } from './frame-bytes.js';
import type { OutItem, Rendered } from './outbox.js';
import type { TextChannel } from './text-channel.js';

/**
 * A delta is only split when at least this much of it can go out: short ones wait whole, and so keep their bytes. The first words of a text go out
 * at once, however few: somebody waits for them.
 */
const SPLIT_UNITS = 8;
const NOTHING = Buffer.alloc(0);

/** A text in a delta, and the channel it continues. */
export interface TextSlot {
  /** Where the text stands in the event's data. */
  readonly range: { readonly start: number; readonly end: number };
  readonly channel: TextChannel;
  /** Units of the channel's text before `own`. */
  from: number;
  own: string;
}

/** What the wire counts about its events: events that are split or left out move the count of all that follow. */
export interface Stamp {
  /** `again` when the same event goes out once more. */
  edits(event: FramedEvent, again: boolean): readonly Edit[];
  /** An event did not go out at all. */
  dropped(): void;
}

export interface TextItemOptions {
  /** True when the event says more than its text: it then goes out once and whole. */
  readonly isWhole?: boolean;
  readonly stamp?: Stamp | null;
  /** What the event took over from the one before it: its text is then no longer its own. */
  readonly taken?: TakenOver | null;
}

/** What was left of the event before. */
export interface TakenOver {
  readonly from: number;
  readonly text: string;
  /** Events that will not go out, because their text was taken over before any of it did. */
  readonly swallowed: number;
}

/** An event that continues texts. */
export class TextItem implements OutItem {
  readonly weight: number;
  private isFirst = false;
  private rewritten: boolean;
  private wentOut = false;
  private swallowed: number;

  constructor(
    private readonly event: FramedEvent,
    private readonly slots: readonly TextSlot[],
    /** Edits of other values in the same event. */
    private readonly edits: readonly Edit[],
    private readonly options: TextItemOptions = {},
  ) {
    this.weight = event.frame.raw.length;
    this.rewritten = (options.taken ?? null) !== null;
    this.swallowed = options.taken?.swallowed ?? 0;
  }

  /**
   * What is left of a text after its first part went out; null when nothing did. The next delta takes it over. What is left of the first words goes
   * out by itself: taken over, it would make every delta after it one with another's text.
   */
  restOf(channel: TextChannel): TakenOver | null {
    const [slot] = this.slots;
    if (slot === undefined || slot.channel !== channel || !this.rewritten || this.isFirst) return null;
    return { from: slot.from, text: slot.own, swallowed: this.swallowed + (this.wentOut ? 0 : 1) };
  }

  take(): Rendered | null {
    if (this.slots.every(isReady)) {
      const rendered = this.bytes(
        this.slots.map(({ own }) => own),
        true,
      );
      for (const { channel, from, own } of this.slots) channel.passed(from + own.length);
      return rendered;
    }
    const [slot] = this.slots;
    return slot === undefined || this.slots.length > 1 || this.options.isWhole === true ? null : this.split(slot);
  }

  private split(slot: TextSlot): Rendered | null {
    const { channel } = slot;
    if (channel.isKept && !channel.isReleased) return null;
    const ready = channel.open - slot.from;
    const cut = isInsidePair(slot.own, ready) ? ready - 1 : ready;
    if (cut < (channel.begun ? SPLIT_UNITS : 1)) return null;
    const part = slot.own.slice(0, cut);
    if (!channel.begun && part.trim() === '') return null;
    this.isFirst = !channel.begun;
    this.rewritten = true;
    const rendered = this.bytes([part], false);
    slot.from += cut;
    slot.own = slot.own.slice(cut);
    return rendered;
  }

  private bytes(parts: readonly string[], done: boolean): Rendered {
    const text = (forTrail: boolean): string[] =>
      this.slots.map(({ channel, from }, i) => {
        channel.begun = true;
        return channel.render(from, parts[i]!, forTrail);
      });
    const client = text(false);
    const trail = text(true);
    for (; this.swallowed > 0; this.swallowed--) this.options.stamp?.dropped();
    const isSame = trail.every((one, i) => one === client[i]);
    if (this.isEmpty(client, parts) && this.isEmpty(trail, parts)) {
      if (!this.wentOut && done) this.options.stamp?.dropped();
      return { client: NOTHING, trail: NOTHING, done };
    }
    const stamp = this.options.stamp?.edits(this.event, this.wentOut) ?? [];
    this.wentOut = true;
    // Where only the client's part of a value is empty, its event stays: events are counted.
    const shown = this.bytesOf(parts, client, stamp, isSame || this.isEmpty(trail, parts));
    return { client: shown, trail: isSame ? shown : this.bytesOf(parts, trail, stamp), done };
  }

  private bytesOf(parts: readonly string[], texts: readonly string[], stamp: readonly Edit[], mayBeEmpty = true): Buffer {
    if (mayBeEmpty && this.isEmpty(texts, parts)) return NOTHING;
    const edits = [...this.edits, ...stamp];
    for (const [i, { range }] of this.slots.entries()) if (this.rewritten || texts[i] !== parts[i]) edits.push(textEdit(range, texts[i]!));
    return frameBytes(this.event, edits);
  }

  /** True when all the event had to say was replaced by what went out before. */
  private isEmpty(texts: readonly string[], parts: readonly string[]): boolean {
    return this.options.isWhole !== true && texts.length === 1 && texts[0] === '' && parts[0] !== '';
  }
}

function isReady({ channel, from, own }: TextSlot): boolean {
  return (!channel.isKept || channel.isReleased) && channel.open - from >= own.length;
}

function isInsidePair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}
