import type { Placeholder } from '#detect';
import { decodeJsonText } from '#wire';
import type { ValueKind } from './stream-masker.js';

/** Where a masked value stands in the bytes it came in, end exclusive. The value itself is not kept: it is read from the bytes that carry it. */
export interface MaskedPlace {
  readonly start: number;
  readonly end: number;
  readonly of: ValueKind;
  readonly placeholder: string;
}

/** A value the caller sent, and what went upstream instead. Lives as long as its exchange; never logged, never recorded in the open. */
export interface BroughtValue {
  readonly type: string;
  /** Which policies want it, wherever it stands; never empty. One object for all values of one type that stand for one grade alone. */
  readonly grades: ReadonlySet<number | undefined>;
  /** As it was spelled first. */
  readonly value: string;
  readonly placeholder: string;
}

/** Distinct values of one request that are kept; what comes above stays masked. */
const MAX_VALUES = 65_536;

/**
 * The values of one request by what stands for them, read from the request's own bytes: whoever sends a placeholder gets nothing for it. A placeholder that
 * stands for two different values names none.
 */
export class BroughtValues {
  private readonly known = new Map<string, BroughtValue | null>();
  private readonly found: (ValueKind & { readonly head: string; readonly grades: ReadonlySet<number | undefined> })[] = [];

  constructor(
    private readonly placeholder: Placeholder,
    /** The form in which two values of a type are the same. */
    private readonly canonical: (type: string, value: string) => string,
  ) {}

  get size(): number {
    return this.known.size;
  }

  /** Reads one value. What does not give its placeholder when it is masked again is left out: it was read with the wrong escapes. */
  add(bytes: Buffer, { start, end, of, placeholder }: MaskedPlace): void {
    const value = this.read(bytes.subarray(start, end), of.type, placeholder);
    if (value === null) return;
    const { grades } = this.kindOf(of, placeholder);
    const known = this.known.get(placeholder);
    if (known === undefined) {
      if (this.known.size < MAX_VALUES) this.known.set(placeholder, { type: of.type, grades, value, placeholder });
    } else if (known !== null) {
      const isSame = known.type === of.type && this.canonical(of.type, known.value) === this.canonical(of.type, value);
      this.known.set(placeholder, isSame ? withGrade(known, of.grade) : null);
    }
  }

  /** Undefined for what is no placeholder of this request, and for one that is not unique. */
  get(placeholder: string): BroughtValue | undefined {
    return this.known.get(placeholder) ?? undefined;
  }

  /** The kinds of values there are, with how their placeholders begin. */
  *kinds(): Generator<ValueKind & { readonly head: string }> {
    yield* this.found;
  }

  *values(): Generator<BroughtValue> {
    for (const value of this.known.values()) if (value !== null) yield value;
  }

  private kindOf({ type, grade }: ValueKind, placeholder: string): (typeof this.found)[number] {
    let kind = this.found.find((one) => one.type === type && one.grade === grade);
    if (kind === undefined) {
      const head = placeholder.slice(0, placeholder.lastIndexOf(':') + 1);
      kind = { type, ...(grade === undefined ? {} : { grade }), head, grades: new Set([grade]) };
      this.found.push(kind);
    }
    return kind;
  }

  /** The bytes are the content of a JSON string, or of one inside a JSON text that is a string itself. */
  private read(bytes: Buffer, type: string, placeholder: string): string | null {
    let text = bytes;
    for (let depth = 0; depth < 2; depth++) {
      let value: string;
      try {
        value = decodeJsonText(text, 0, text.length, true);
      } catch {
        return null;
      }
      if (this.placeholder(type, value) === placeholder) return value;
      text = Buffer.from(value);
    }
    return null;
  }
}

function withGrade(value: BroughtValue, grade: number | undefined): BroughtValue {
  return value.grades.has(grade) ? value : { ...value, grades: new Set([...value.grades, grade]) };
}
