import type { RestorePlace } from '#config';
import type { Detector, Placeholder, Span } from '#detect';
import type { SelectedPolicy } from '#policy';
import { askDetector } from './guard.js';
import type { MaskRules } from './leaf.js';
import type { BroughtValue, BroughtValues } from './brought-values.js';
import type { Replacement } from './stream-masker.js';

/** A placeholder of the upstream's that gives way to the caller's own value: for the caller alone, never for the trail. */
export interface Restoration extends Replacement {
  readonly action: 'restore';
  readonly type: string;
  /** What it stands for, as the upstream wrote it. */
  readonly placeholder: string;
  /** The policy that says so. */
  readonly by: string;
}

interface Restorable {
  readonly brought: BroughtValue;
  readonly by: string;
}

export interface Restoring {
  readonly policy: SelectedPolicy;
  readonly placeholder: Placeholder;
  readonly brought?: BroughtValues | null;
}

/** What stands between `[` and `]` after the type. */
const DIGEST = /^[0-9a-f]{0,8}$/;

/** What may be given back in one place of one answer: to the caller whose request brought it. */
export class Restorer {
  private readonly heads: readonly string[];
  private readonly looked = new Map<string, Restorable | null>();
  private readonly by = new Map<ReadonlySet<number | undefined>, string | null>();
  /** Length of the longest placeholder. */
  readonly longest: number;
  /** Whether the place's detector looks for anything that is not given back; null before that was asked. */
  private hasOthers: boolean | null = null;

  private constructor(
    private readonly place: RestorePlace,
    private readonly restoring: Restoring,
    private readonly brought: BroughtValues,
    /** What finds values in requests: what is given back must be found again when the caller sends it back. */
    readonly requestDetector: Detector,
    heads: readonly string[],
  ) {
    this.heads = heads;
    this.longest = Math.max(...heads.map(({ length }) => length)) + '1a2b3c4d]'.length;
  }

  /** Null when nothing of the request may be given back there: then nothing of this costs anything. */
  static of(restoring: Restoring, place: RestorePlace): Restorer | null {
    const { policy, brought } = restoring;
    if (brought === undefined || brought === null || policy.requestDetector === null) return null;
    const heads: string[] = [];
    for (const { type, grade, head } of brought.kinds())
      if (!heads.includes(head) && policy.restoredBy(place, type, grade) !== null) heads.push(head);
    return heads.length === 0 ? null : new Restorer(place, restoring, brought, policy.requestDetector, heads);
  }

  /** True when the text could go on to be a placeholder: `[US_S`, `[US_SSN:1a`. */
  begins(text: string): boolean {
    return this.heads.some((head) =>
      text.length <= head.length ? head.startsWith(text) : text.startsWith(head) && DIGEST.test(text.slice(head.length)),
    );
  }

  /** The next placeholder that may give way, from `at` on; null when there is none whole. @throws AffiantError detector_failed */
  next(text: string, at: number): { readonly start: number; readonly end: number; readonly found: Restorable } | null {
    for (let start = text.indexOf('[', at); start !== -1; start = text.indexOf('[', start + 1)) {
      const candidate = text.slice(start, start + this.longest);
      const end = candidate.indexOf(']') + 1;
      const found = end === 0 ? null : this.find(candidate.slice(0, end));
      if (found !== null) return { start, end: start + end, found };
    }
    return null;
  }

  /** As a request is masked, but for the placeholders: what is found again is told by its type. */
  get requestRules(): MaskRules {
    const { policy } = this.restoring;
    return {
      detector: this.requestDetector,
      placeholder: () => '',
      judge: ({ type, grade }) => policy.actionFor('request', type, grade).action,
    };
  }

  /** True when masking a request would make the placeholder of a value again: found as the same type, from which it was made, and not left alone. */
  isSame({ brought }: Restorable, { type, grade }: Pick<Span, 'type' | 'grade'>): boolean {
    return type === brought.type && this.restoring.policy.actionFor('request', type, grade).action !== 'allow';
  }

  private find(placeholder: string): Restorable | null {
    let found = this.looked.get(placeholder);
    if (found === undefined) {
      if (this.brought.get(placeholder) === undefined) return null;
      found = this.look(placeholder);
      this.looked.set(placeholder, found);
    }
    return found;
  }

  private look(placeholder: string): Restorable | null {
    const brought = this.brought.get(placeholder);
    if (brought === undefined) return null;
    const by = this.restoredBy(brought);
    return by === null || this.isOther(brought) ? null : { brought, by };
  }

  /** Values of one kind share their grades: policy is asked once for all of them. */
  private restoredBy({ type, grades }: BroughtValue): string | null {
    let by = this.by.get(grades);
    if (by === undefined) {
      const all = [...grades].map((grade) => this.restoring.policy.restoredBy(this.place, type, grade));
      by = all.includes(null) ? null : (all[0] ?? null);
      this.by.set(grades, by);
    }
    return by;
  }

  /** True when a value is one of another type as well, which policy does not want in this place. */
  private isOther({ value, type }: BroughtValue): boolean {
    const { policy } = this.restoring;
    const place = this.place === 'text' ? 'response' : 'tool_input';
    const detector = place === 'response' ? policy.responseDetector : policy.toolInputDetector;
    if (detector === null) return false;
    this.hasOthers ??= detector.types.some((other) => policy.restoredBy(this.place, other) === null);
    if (!this.hasOthers) return false;
    return askDetector(() => detector.scan(value)).some(
      (span) =>
        span.type !== type &&
        policy.actionFor(place, span.type, span.grade).action !== 'allow' &&
        policy.restoredBy(this.place, span.type) === null,
    );
  }
}

export function restoration(start: number, end: number, text: string, { brought, by }: Restorable): Restoration {
  return { start, end, text, action: 'restore', type: brought.type, placeholder: brought.placeholder, by };
}

export function isRestoration(replacement: Replacement): replacement is Restoration {
  return replacement.action === 'restore';
}

/** Adds what was decided last to a list in the order of the text: a restoration may be decided after masks behind it. */
export function insert(into: Replacement[], masks: readonly Replacement[], restored: readonly Restoration[]): void {
  into.push(...masks);
  for (const one of restored) {
    let at = into.length;
    while (at > 0 && into[at - 1]!.start > one.start) at--;
    into.splice(at, 0, one);
  }
}

/** In the order of the text. A restoration that touches what is masked gives way. */
export function together(masks: readonly Replacement[], restored: readonly Restoration[]): readonly Replacement[] {
  if (restored.length === 0) return masks;
  const free: Replacement[] = [];
  let next = 0;
  for (const one of restored) {
    while (next < masks.length && masks[next]!.end <= one.start) next++;
    if (next === masks.length || masks[next]!.start >= one.end) free.push(one);
  }
  return [...masks, ...free].sort((a, b) => a.start - b.start);
}
