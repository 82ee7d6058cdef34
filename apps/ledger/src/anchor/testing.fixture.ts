import { generateKeyPairSync, sign } from 'node:crypto';
import { createLogger } from '#observability';
import { SystemClock, type EventDraft, type EventRecorder } from '#events';
import { FakeLedgerStore } from '#ledger-store';
import { formatVkey, type Signer } from '#signing';
import { MemoryCosignedStore, MemoryTileStore, signCheckpoint, TileTree, TreeEdge, type SealedState } from '#tlog';
import { GENESIS } from '../sequence/sealed-state.js';
import type { AnchorPorts, WitnessPort } from './ports.js';

const NAME = 'affiant.test/ledger';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
export const logKey: Signer = {
  name: NAME,
  publicKey: raw,
  vkey: formatVkey(NAME, raw),
  sign: async (message) => sign(null, message, privateKey),
};

/** A sealed log that grows as told, and what the anchor loop writes to. Outlives the loops. */
export class AnchorWorld {
  readonly tiles = new MemoryTileStore();
  readonly cosigned = new MemoryCosignedStore();
  readonly store = new FakeLedgerStore();
  readonly told: EventDraft[] = [];
  sealed: SealedState | null = null;
  #edge = TreeEdge.empty;

  constructor(private readonly leaf = 'leaf') {}

  async grow(by: number): Promise<void> {
    const { edge, files } = this.#edge.extend(
      Array.from({ length: by }, (_, index) => Buffer.from(`${this.leaf} ${this.#edge.size + index}`)),
    );
    for (const { path, bytes } of files) await this.tiles.put(path, bytes);
    this.#edge = edge;
    const root = edge.root();
    const note = await signCheckpoint({ origin: logKey.name, size: edge.size, root }, [logKey]);
    this.sealed = { ...GENESIS, round: (this.sealed?.round ?? 0) + 1, tree_size: edge.size, root_hash: root.toString('hex'), note };
  }

  rootAt(size: number): Promise<Buffer> {
    return new TileTree(this.tiles, this.#edge.size).rootAt(size);
  }

  ports(witnesses: readonly WitnessPort[], quorum: number): AnchorPorts {
    const recorder = { record: async (drafts: readonly EventDraft[]) => void this.told.push(...drafts) } as unknown as EventRecorder;
    return {
      sealed: () => this.sealed,
      tiles: this.tiles,
      cosigned: this.cosigned,
      store: this.store,
      recorder,
      witnesses,
      clock: new SystemClock(),
      logger: createLogger('test', { level: 'silent' }),
      options: { origin: logKey.name, quorum, interval: 60_000 },
    };
  }
}
