import type { ReadRow } from './row-columns.js';

/** Rows of one table in batches: a promise for each of millions of rows would cost more than checking it. */
export type RowBatches = AsyncIterable<readonly ReadRow[]>;

/** Row by row through batches; only the end of a batch has to be waited for. */
export class RowCursor {
  #batch: readonly ReadRow[] = [];
  #at = 0;
  readonly #rows: AsyncIterator<readonly ReadRow[]>;

  private constructor(rows: RowBatches) {
    this.#rows = rows[Symbol.asyncIterator]();
  }

  /** On the first row. */
  static async open(rows: RowBatches): Promise<RowCursor> {
    const cursor = new RowCursor(rows);
    await cursor.#fill();
    return cursor;
  }

  /** Null behind the last. */
  get row(): ReadRow | null {
    return this.#batch[this.#at] ?? null;
  }

  /** To the next row. @returns what is to be waited for before `row` is asked; nothing within a batch */
  advance(): Promise<void> | undefined {
    this.#at += 1;
    return this.#at < this.#batch.length ? undefined : this.#fill();
  }

  async #fill(): Promise<void> {
    do {
      const { done, value } = await this.#rows.next();
      this.#batch = done === true ? [] : value;
      this.#at = 0;
      if (done === true) return;
    } while (this.#batch.length === 0);
  }
}

/** Of a small table. */
export async function* eachRow(rows: RowBatches): AsyncIterable<ReadRow> {
  for await (const batch of rows) yield* batch;
}
