import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatVkey, type Signer } from '#signing';
import { encodeLeaf, LEAF_TYPES, signCheckpoint, TreeEdge } from '#tlog';

export function logSigner(name = 'affiant.test/log'): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const rawKey = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return { name, publicKey: rawKey, vkey: formatVkey(name, rawKey), sign: async (message) => sign(null, message, privateKey) };
}

/** A number from 0 up to 1, the same for the same seed. */
export type Random = () => number;

export function seeded(seed: number): Random {
  let state = Math.imul(seed, 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** All but `undecodable`, which has no chain. */
const MADE = LEAF_TYPES.filter((type) => type !== 'undecodable');

/** Leaves of some sources as a ledger would have sealed them: dense, chained, with a hole where a checkpoint event of the source `ledger` was. */
export class LeafMaker {
  readonly #heads: { source: string; seq: number; epoch: number; hash: Buffer }[];
  #made = 0;

  constructor(
    private readonly random: Random,
    sources = 3,
    private readonly holes = 0.02,
  ) {
    this.#heads = Array.from({ length: sources }, (_, index) => ({
      source: index === 0 ? 'ledger' : `gateway-${index}`,
      seq: 0,
      epoch: 1,
      hash: Buffer.alloc(32),
    }));
  }

  next(): Buffer {
    const head = this.#heads[Math.floor(this.random() * this.#heads.length)]!;
    if (head.source === 'ledger' && this.random() < this.holes) {
      head.seq += 1;
      head.hash = this.#bytes();
    }
    if (this.random() < 0.0005) head.epoch += 1;
    head.seq += 1;
    this.#made += 1;
    const payload_hash = this.#bytes();
    const leaf = encodeLeaf({
      type: MADE[Math.floor(this.random() * MADE.length)]!,
      boot_epoch: head.epoch,
      seq: head.seq,
      occurred_at: 1_790_000_000_000_000 + this.#made * 37,
      schema_sha256: Buffer.alloc(32, 7),
      payload_hash,
      prev_hash: head.hash,
      source_id: head.source,
    });
    head.hash = payload_hash;
    return leaf;
  }

  #bytes(): Buffer {
    const bytes = Buffer.alloc(32);
    for (let at = 0; at < 32; at += 4) bytes.writeUInt32LE(Math.floor(this.random() * 2 ** 32), at);
    return bytes;
  }
}

export interface MadeLog {
  readonly directory: string;
  readonly signer: Signer;
  readonly size: number;
  /** Checkpoint of every round, oldest first. */
  readonly notes: readonly string[];
}

/** Writes a log of `rounds` (leaves of each round) into a directory, as the sequencer does: partial tiles of earlier rounds are left where they are. */
export async function makeLog(
  directory: string,
  rounds: readonly number[],
  maker: LeafMaker,
  signer: Signer = logSigner(),
): Promise<MadeLog> {
  let edge = TreeEdge.empty;
  const notes: string[] = [];
  const made = new Set<string>();
  for (const count of rounds) {
    const extension = edge.extend(Array.from({ length: count }, () => maker.next()));
    for (const { path, bytes } of extension.files) {
      const file = join(directory, path);
      if (!made.has(dirname(file))) mkdirSync(dirname(file), { recursive: true });
      made.add(dirname(file));
      writeFileSync(file, bytes);
    }
    edge = extension.edge;
    notes.push(await signCheckpoint({ origin: signer.name, size: edge.size, root: edge.root() }, [signer]));
  }
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'checkpoint'), notes.at(-1) ?? '');
  return { directory, signer, size: edge.size, notes };
}
