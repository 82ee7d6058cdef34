import type { Detector, Placeholder, ScanStream, Span } from '#detect';
import type { PolicyAction } from '#config';

/** A value and what stands in its place. Offsets are UTF-16 units from the beginning of the field, end exclusive. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly action: PolicyAction;
}

/**
 * Masks one field (a text block, a JSON string value) that arrives in pieces: tells which text is decided, and what to replace in it.
 * Text at or after `settled` must be held back; on an abort it is thrown away.
 * @throws AffiantError detector_failed: nothing held may be released
 */
export class StreamMasker {
  private readonly stream: ScanStream;
  private held = '';
  private heldFrom = 0;

  constructor(
    detector: Detector,
    /** Counts a value; says what to do about it. `allow` leaves it. */
    private readonly judge: (span: Span) => PolicyAction,
    private readonly placeholder: Placeholder,
  ) {
    this.stream = detector.open();
  }

  get settled(): number {
    return this.stream.settled;
  }

  get heldUnits(): number {
    return this.stream.length - this.stream.settled;
  }

  push(piece: string): Replacement[] {
    this.held += piece;
    return this.replace(this.stream.push(piece));
  }

  end(): Replacement[] {
    return this.replace(this.stream.end());
  }

  private replace(spans: readonly Span[]): Replacement[] {
    const replacements: Replacement[] = [];
    for (const span of spans) {
      const action = this.judge(span);
      if (action === 'allow') continue;
      const value = this.held.slice(span.start - this.heldFrom, span.end - this.heldFrom);
      replacements.push({ start: span.start, end: span.end, text: this.placeholder(span.type, value), action });
    }
    const { settled } = this.stream;
    if (settled > this.heldFrom) {
      this.held = this.held.slice(settled - this.heldFrom);
      this.heldFrom = settled;
    }
    return replacements;
  }
}

/** `text` with replacements (sorted, not overlapping) carried out. */
export function applyReplacements(text: string, replacements: readonly Replacement[]): string {
  if (replacements.length === 0) return text;
  let out = '';
  let at = 0;
  for (const { start, end, text: replacement } of replacements) {
    out += text.slice(at, start) + replacement;
    at = end;
  }
  return out + text.slice(at);
}
