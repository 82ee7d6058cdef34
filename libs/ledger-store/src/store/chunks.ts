/** Large enough for most inserts, small enough to be filled again while it is in the processor's cache. */
export const CHUNK_BYTES = 256 * 1024;
/** What is kept between inserts: about the text of one large batch. */
const KEPT_CHUNKS = 32;

/**
 * Buffers that inserts are written into, used again and again: megabytes for each insert lie outside the heap, and every 64 MB of them made the collector go
 * over all objects (docs/adr/0114-standalone-at-first-sight.md).
 */
export class ChunkStock {
  readonly #idle: Buffer[] = [];

  /** Chunks for one insert. */
  open(): Chunks {
    return new Chunks(this.#idle);
  }
}

export class Chunks {
  readonly #taken: Buffer[] = [];

  constructor(private readonly idle: Buffer[]) {}

  /** At least `bytes` long. */
  take(bytes: number): Buffer {
    if (bytes > CHUNK_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const chunk = this.idle.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#taken.push(chunk);
    return chunk;
  }

  /** Only when nobody reads or sends them any more: they are written over. After a failure that is not known, and they are left to the collector. */
  giveBack(): void {
    for (const chunk of this.#taken.splice(0)) if (this.idle.length < KEPT_CHUNKS) this.idle.push(chunk);
  }
}
