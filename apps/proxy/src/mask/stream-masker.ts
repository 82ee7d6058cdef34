import type { PolicyAction } from '#config';
import type { Detector, Placeholder, ScanStream, Span } from '#detect';

/** `restore`: the upstream wrote a placeholder, and the caller alone gets the value it stands for. All others are what policy does about a value. */
export type Treatment = PolicyAction | 'restore';

/** What kind of value was found. */
export type ValueKind = Pick<Span, 'type' | 'grade'>;

/** A value and what stands in its place. Offsets are UTF-16 units from the beginning of the field, end exclusive. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly action: Treatment;
  /** The value it covers; absent when it covers more than one value. */
  readonly of?: ValueKind | undefined;
}

/** A decided span with the value it covers. */
export interface FoundValue {
  readonly span: Span;
  readonly value: string;
}

/** A detector's stream together with the text it has not decided yet, so that decided values can be read. */
export class ValueStream {
  private readonly stream: ScanStream;
  private held = '';
  private heldFrom = 0;

  constructor(detector: Detector) {
    this.stream = detector.open();
  }

  /** Text at or after this must be held back; on an abort it is thrown away. */
  get settled(): number {
    return this.stream.settled;
  }

  push(piece: string): FoundValue[] {
    this.held += piece;
    return this.values(this.stream.push(piece));
  }

  end(): FoundValue[] {
    return this.values(this.stream.end());
  }

  private values(spans: readonly Span[]): FoundValue[] {
    const found = spans.map((span) => ({ span, value: this.held.slice(span.start - this.heldFrom, span.end - this.heldFrom) }));
    const { settled } = this.stream;
    if (settled > this.heldFrom) {
      this.held = this.held.slice(settled - this.heldFrom);
      this.heldFrom = settled;
    }
    return found;
  }
}

/**
 * Masks one field (a text block, a JSON string value) that arrives in pieces: tells which text is decided, and what to replace in it.
 * @throws AffiantError detector_failed: nothing held may be released
 */
export class StreamMasker {
  private readonly values: ValueStream;

  constructor(
    detector: Detector,
    /** Counts a value; says what to do about it. `allow` leaves it. */
    private readonly judge: (span: Span) => PolicyAction,
    private readonly placeholder: Placeholder,
  ) {
    this.values = new ValueStream(detector);
  }

  get settled(): number {
    return this.values.settled;
  }

  push(piece: string): Replacement[] {
    return this.replace(this.values.push(piece));
  }

  end(): Replacement[] {
    return this.replace(this.values.end());
  }

  private replace(found: readonly FoundValue[]): Replacement[] {
    const replacements: Replacement[] = [];
    for (const { span, value } of found) {
      const action = this.judge(span);
      if (action !== 'allow')
        replacements.push({ start: span.start, end: span.end, text: this.placeholder(span.type, value), action, of: span });
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

/** Whether a replacement is carried out: `passes` says what the client may have as it is. */
export function isCarriedOut(action: Treatment, forTrail: boolean, passes: (action: Treatment) => boolean): boolean {
  return action === 'restore' ? !forTrail : forTrail || !passes(action);
}
