import type { Edit } from '#wire';
import type { FoundEdit } from '../../../mask/leaf-steps.js';
import type { Container } from './container.js';
import type { Part } from './parts.js';
import type { DocumentReader } from './reader.js';
import { shiftOffset } from './shift-offset.js';

/** A text with annotations that point into it. */
export interface Annotated {
  readonly text: string;
  readonly part: Part;
}

/** A number in a document. */
interface Numbered {
  readonly start: number;
  readonly end: number;
  readonly value: number;
}

/** What is to be done to the bytes of one document: now, or once people have decided. */
export class Judged {
  /** The same for client and trail. */
  readonly edits: Edit[] = [];
  /** Texts of the document, by the container they are a member of. */
  readonly texts = new Map<Container, Annotated>();
  private readonly parts: { readonly part: Part; readonly edits: readonly FoundEdit[] }[] = [];
  private readonly numbers: { readonly range: Numbered; readonly shifted: (forTrail: boolean) => number }[] = [];

  constructor(private readonly reader: DocumentReader) {}

  /** A number that is known once all that came before has gone out. It may be another one for the client than for the trail. */
  number(range: Numbered, shifted: (forTrail: boolean) => number): void {
    this.numbers.push({ range, shifted });
  }

  add(part: Part, edits: readonly FoundEdit[]): void {
    this.parts.push({ part, edits });
  }

  /** Calls `then` once all parts are released. */
  onRelease(then: () => void): void {
    let left = this.parts.length;
    if (left === 0) then();
    for (const { part } of this.parts)
      part.onRelease(() => {
        left -= 1;
        if (left === 0) then();
      });
  }

  get isReleased(): boolean {
    return this.parts.every(({ part }) => part.isReleased);
  }

  /** True when client and trail may have to be told different things. To be asked once released. */
  get differs(): boolean {
    return (
      this.parts.some(({ part, edits }) => edits.some(({ action }) => part.carries(action, true) !== part.carries(action, false))) ||
      this.numbers.some(({ shifted }) => shifted(true) !== shifted(false))
    );
  }

  of(forTrail: boolean): Edit[] {
    const edits = [...this.edits];
    for (const { part, edits: found } of this.parts) for (const edit of found) if (part.carries(edit.action, forTrail)) edits.push(edit);
    for (const { range, shifted } of this.numbers) {
      const { start, end, value } = range;
      if (shifted(forTrail) !== value) edits.push({ start, end, bytes: Buffer.from(String(shifted(forTrail))) });
    }
    for (const edit of this.offsets(forTrail)) edits.push(edit);
    return edits.sort((a, b) => a.start - b.start);
  }

  /** Annotations point into a text that became longer or shorter. */
  private *offsets(forTrail: boolean): Generator<Edit> {
    if (this.texts.size === 0) return;
    for (const { start, end, value, inside, isEnd } of this.reader.offsets) {
      const annotated = this.textAbove(inside);
      if (annotated === undefined) continue;
      const { text, part } = annotated;
      const carried = part.replacements.filter(({ action }) => part.carries(action, forTrail));
      const shifted = shiftOffset(text, carried, value, isEnd);
      if (shifted !== value) yield { start, end, bytes: Buffer.from(String(shifted)) };
    }
  }

  private textAbove(inside: Container): Annotated | undefined {
    for (let at: Container | null = inside; at !== null; at = at.parent) {
      const found = this.texts.get(at);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
