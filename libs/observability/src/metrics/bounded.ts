/** Where values beyond the bound go. */
export const OTHER = 'other';

/**
 * Keeps a label from growing without bound: the first `limit` distinct values stand for themselves, every later one is `other`.
 * Values stay known for the life of the process, so a series never changes its meaning.
 */
export class BoundedLabel {
  readonly #known = new Set<string>();

  constructor(private readonly limit: number) {}

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.limit) return OTHER;
    this.#known.add(value);
    return value;
  }
}
