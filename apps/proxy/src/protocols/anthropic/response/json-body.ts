import { JsonScanner, spliceSteps, type Edit, type Steps } from '#wire';
import { leafText, type MaskRules } from '../../../mask/leaf.js';
import { leafEditSteps, type FoundEdit } from '../../../mask/leaf-steps.js';
import type { Treatment } from '../../../mask/stream-masker.js';
import type { PlacedLeaf } from '../../shared/leaf-collector.js';
import { DocumentCollector, type ContentBlock, type Range } from './document-collector.js';

/** Members longer than this tell nothing that is recorded of a response. */
const LONGEST_FACT = 65_536;
const EDITS_PER_STEP = 256;
const NULL = Buffer.from('null');

/** A JSON document with what was found in its strings, scanned once, to be given out in more than one form. */
export class JsonBody {
  private found: FoundEdit[] = [];
  /** What is done about any of them. */
  private readonly treatments = new Set<Treatment>();

  private constructor(
    readonly bytes: Buffer,
    private readonly document: DocumentCollector,
  ) {}

  /** @throws AffiantError body_invalid */
  static *read(bytes: Buffer): Steps<JsonBody> {
    const document = new DocumentCollector(bytes);
    yield* new JsonScanner(bytes, 0, bytes.length, document).steps();
    return new JsonBody(bytes, document);
  }

  get leaves(): readonly (PlacedLeaf | null)[] {
    return this.document.leaves;
  }

  get blocks(): readonly ContentBlock[] {
    return this.document.blocks;
  }

  text(leaf: PlacedLeaf): string {
    return leafText(this.bytes, leaf);
  }

  /** Takes leaves in the order of the document. */
  *scan(leaf: PlacedLeaf, rules: MaskRules): Steps<void> {
    const edits = yield* leafEditSteps(this.bytes, leaf, rules);
    for (const [i, edit] of edits.entries()) {
      this.take(edit);
      if (i % EDITS_PER_STEP === EDITS_PER_STEP - 1) yield;
    }
  }

  /** Adds what is given back, once all that is masked is known: nothing where that lies. Both in the order of the document. */
  *restore(edits: readonly FoundEdit[]): Steps<void> {
    if (edits.length === 0) return;
    const masked = this.found;
    this.found = [];
    let next = 0;
    for (let i = 0; i <= edits.length; i++) {
      const edit = edits[i];
      for (; next < masked.length && masked[next]!.start < (edit?.end ?? Infinity); next++) {
        this.found.push(masked[next]!);
        if (next % EDITS_PER_STEP === EDITS_PER_STEP - 1) yield;
      }
      const before = masked[next - 1];
      if (edit !== undefined && (before === undefined || before.end <= edit.start)) this.take(edit);
      if (i % EDITS_PER_STEP === EDITS_PER_STEP - 1) yield;
    }
  }

  /** Replaces a whole string. */
  hide(leaf: PlacedLeaf, replacement: Buffer): void {
    this.take({ start: leaf.start, end: leaf.end, bytes: replacement, action: 'mask', of: undefined });
  }

  /** True when both forms may differ for a value treated like that. */
  some(is: (action: Treatment) => boolean): boolean {
    return [...this.treatments].some(is);
  }

  private take(edit: FoundEdit): void {
    this.found.push(edit);
    this.treatments.add(edit.action);
  }

  /** The bytes with the replacements that `carriesOut` names; the document's own bytes when there are none. */
  *render(carriesOut: (action: Treatment) => boolean): Steps<Buffer> {
    const edits: Edit[] = [];
    for (const [i, edit] of this.found.entries()) {
      if (carriesOut(edit.action)) edits.push(edit);
      if (i % EDITS_PER_STEP === EDITS_PER_STEP - 1) yield;
    }
    return yield* spliceSteps(this.bytes, edits);
  }

  /** The masked document without its long members, for the facts: parsing megabytes of content for a few counts would hold the event loop. */
  *facts(): Steps<unknown> {
    const long = this.document.members.filter(({ start, end }) => end - start > LONGEST_FACT);
    const edits: Edit[] = [];
    let next = 0;
    for (const [i, edit] of this.found.entries()) {
      if (i % EDITS_PER_STEP === EDITS_PER_STEP - 1) yield;
      next = cutLong(long, next, edit.start, edits);
      const inside = next > 0 && edit.start < (long[next - 1] as Range).end;
      if (!inside) edits.push(edit);
    }
    cutLong(long, next, Number.MAX_SAFE_INTEGER, edits);
    const short = yield* spliceSteps(this.bytes, edits);
    return JSON.parse(short.toString()) as unknown;
  }
}

function cutLong(long: readonly Range[], from: number, before: number, edits: Edit[]): number {
  let next = from;
  for (let range = long[next]; range !== undefined && range.start <= before; range = long[next]) {
    edits.push({ start: range.start, end: range.end, bytes: NULL });
    next++;
  }
  return next;
}
