import { isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';

/** Finds the line and column of a path in a YAML text that has been parsed without errors. */
export class Locator {
  private readonly lines = new LineCounter();
  private readonly document: Document;

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.lines });
  }

  /** Of the key when the last part is one, else of the value; of the nearest thing around it when it is not there. */
  find(path: string): { readonly line: number; readonly column: number } {
    const parts = Array.from(path.matchAll(/[^.[\]]+/g), ([part]) => (/^\d+$/.test(part) ? Number(part) : part));
    for (let depth = parts.length; depth > 0; depth--) {
      const offset = this.offset(parts.slice(0, depth));
      if (offset === null) continue;
      const { line, col } = this.lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    }
    return { line: 1, column: 1 };
  }

  private offset(parts: readonly (string | number)[]): number | null {
    const last = parts[parts.length - 1];
    const parent = parts.length === 1 ? this.document.contents : (this.document.getIn(parts.slice(0, -1), true) as Node | undefined);
    if (isMap(parent)) {
      for (const { key } of parent.items) if (isScalar(key) && key.value === last) return key.range?.[0] ?? null;
      return null;
    }
    return (this.document.getIn(parts, true) as Node | undefined)?.range?.[0] ?? null;
  }
}
