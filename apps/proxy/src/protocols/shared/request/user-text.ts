import { decodeJsonText, jsonTextBoundary, splice, type Edit } from '#wire';
import type { Leaf } from '../../../mask/leaf.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';
import { sha256 } from './digests.js';
import type { UserText } from './scan-cache.js';

const SUMMARY_UNITS = 2_000;
/** Enough bytes of a large text to show its beginning. */
const HEAD_BYTES = 12_000;
const REMINDER = '<system-reminder>';
/** The session-title request of Claude Code wraps the prompt like this (research/wire.md §1.1). */
const SESSION = /<session>([\s\S]*)<\/session>/;

/** Finds what the user last said in a run of messages: for the approver, and to see that two requests carry the same prompt. */
export class UserTextFinder {
  private found = false;
  private typed: string | null = null;
  private other: string | null = null;
  private typedIsWhole = true;

  /** A message of the user begins: only the last one counts. */
  beginMessage(): void {
    this.found = true;
    this.typed = null;
    this.other = null;
  }

  text(text: string, replacements: readonly Replacement[], typed: boolean): void {
    if (typed && !text.startsWith(REMINDER)) {
      this.typed = applyReplacements(text, replacements);
      this.typedIsWhole = true;
    } else if (!typed) this.other = applyReplacements(text, replacements);
  }

  /** Only the beginning of a large text is shown. `edits` from `first` on belong to it. */
  largeText(body: Buffer, leaf: Leaf, edits: readonly Edit[], first: number, typed: boolean): void {
    let stop = jsonTextBoundary(body, leaf.start, Math.min(leaf.end, leaf.start + HEAD_BYTES));
    const inside: Edit[] = [];
    for (let i = first; i < edits.length && edits[i]!.start < stop; i++) {
      const { start, end, bytes } = edits[i]!;
      if (end <= stop) inside.push({ start: start - leaf.start, end: end - leaf.start, bytes });
      // A value that is cut by the end of the head is left out with all that follows it.
      else stop = start;
    }
    const head = splice(body.subarray(leaf.start, stop), inside);
    const text = decodeJsonText(head, 0, head.length, true);
    if (typed && !text.startsWith(REMINDER)) {
      this.typed = text;
      this.typedIsWhole = false;
    } else if (!typed) this.other = text;
  }

  result(): UserText | null {
    if (!this.found) return null;
    const shown = this.typed ?? this.other ?? '';
    const prompt = this.typed === null || !this.typedIsWhole ? null : (SESSION.exec(this.typed)?.[1] ?? this.typed).trim();
    return { digest: prompt === null || prompt === '' ? null : sha256(Buffer.from(prompt)), summary: shown.slice(0, SUMMARY_UNITS) };
  }
}
