import { formatTreeHead, MemoryTileStore, signCheckpoint, TileTree, TreeEdge } from '#tlog';
import type { Signer } from '#signing';

/** A growing log in memory, to be shown to a witness. `leaf` makes what a log with another history says at the same place. */
export class TestLog {
  readonly #tiles = new MemoryTileStore();
  #edge = TreeEdge.empty;

  constructor(
    private readonly signer: Signer,
    private readonly leaf = 'leaf',
  ) {}

  async grow(to: number): Promise<void> {
    const leaves = Array.from({ length: to - this.#edge.size }, (_, index) => Buffer.from(`${this.leaf} ${this.#edge.size + index}`));
    const { edge, files } = this.#edge.extend(leaves);
    for (const { path, bytes } of files) await this.#tiles.put(path, bytes);
    this.#edge = edge;
  }

  /** Signed note of the first `size` leaves. */
  async note(size: number, signers: readonly Signer[] = [this.signer]): Promise<string> {
    return signCheckpoint({ origin: this.signer.name, size, root: await this.#tree().rootAt(size) }, signers);
  }

  async text(size: number): Promise<string> {
    return formatTreeHead({ origin: this.signer.name, size, root: await this.#tree().rootAt(size) });
  }

  /** Body of `POST /add-checkpoint`. */
  async request(from: number, to: number, note?: string): Promise<string> {
    const proof = await this.#tree().consistencyProof(from, to);
    return `old ${from}\n${proof.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${note ?? (await this.note(to))}`;
  }

  #tree(): TileTree {
    return new TileTree(this.#tiles, this.#edge.size);
  }
}
