// Proof size and time at large trees, without storing them: tiles of hashes are kept in memory for levels 1 and up only, those of level 0 are
// computed again when asked for. 100 million leaves are 12.5 MB of level-1 hashes.
import { hash } from 'node:crypto';
import {
  formatTlogProof,
  signCheckpoint,
  TileTree,
  verifyConsistency,
  verifyInclusion,
  encodeLeaf,
} from '../../dist/libs/tlog/src/index.js';
import { logSigner } from '../../dist/libs/verify/src/testing/make-log.js';

const WIDTH = 256;
const input = Buffer.alloc(12);
const node = Buffer.alloc(65);
node[0] = 1;

const LEAF = encodeLeaf({
  type: 'request',
  boot_epoch: 1,
  seq: 1,
  occurred_at: 1_790_000_000_000_000,
  schema_sha256: Buffer.alloc(32, 1),
  payload_hash: Buffer.alloc(32, 2),
  prev_hash: Buffer.alloc(32),
  source_id: 'gateway',
});

/** A made-up leaf hash: real leaves would cost the same proof and three times the time to make. */
function leafHashOf(index, target, at) {
  input.writeUInt32BE(Math.floor(index / 2 ** 32), 4);
  input.writeUInt32BE(index % 2 ** 32, 8);
  target.write(hash('sha256', input, 'binary'), at, 32, 'latin1');
}

function foldTile(tile) {
  const work = Buffer.from(tile);
  for (let width = WIDTH; width > 1; width /= 2)
    for (let pair = 0; pair < width; pair += 2) {
      work.copy(node, 1, pair * 32, pair * 32 + 64);
      work.write(hash('sha256', node, 'binary'), pair * 16, 32, 'latin1');
    }
  return work.subarray(0, 32);
}

/** A TileStore that computes level 0 and holds the rest. */
class VirtualTiles {
  constructor(size) {
    this.size = size;
    this.levels = [null];
    const bottom = Buffer.alloc(Math.floor(size / WIDTH) * 32);
    for (let index = 0; index * 32 < bottom.length; index += 1) foldTile(this.tile0(index, WIDTH)).copy(bottom, index * 32);
    this.levels.push(bottom);
    for (let level = 2; ; level += 1) {
      const below = this.levels[level - 1];
      const count = Math.floor(below.length / 32 / WIDTH);
      if (count === 0) break;
      const hashes = Buffer.alloc(count * 32);
      for (let index = 0; index < count; index += 1)
        foldTile(below.subarray(index * WIDTH * 32, (index + 1) * WIDTH * 32)).copy(hashes, index * 32);
      this.levels.push(hashes);
    }
  }

  tile0(index, width) {
    const tile = Buffer.allocUnsafe(width * 32);
    for (let entry = 0; entry < width; entry += 1) leafHashOf(index * WIDTH + entry, tile, entry * 32);
    return tile;
  }

  async get(path) {
    const [, level, name, partial] = /^tile\/(\d+)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
    const index = Number(name.replaceAll(/[x/]/g, ''));
    const width = Number(partial ?? WIDTH);
    if (level === '0') return this.tile0(index, width);
    return this.levels[Number(level)].subarray(index * WIDTH * 32, (index * WIDTH + width) * 32);
  }
}

/** @param {number[]} sizes @param {(line: string) => void} say */
export async function proofSizes(sizes, say) {
  const signer = logSigner();
  const figures = [];
  for (const size of sizes) {
    const startedAt = performance.now();
    const tiles = new VirtualTiles(size);
    const builtIn = (performance.now() - startedAt) / 1000;
    const tree = new TileTree(tiles, size);
    const root = await tree.root();
    const note = await signCheckpoint({ origin: signer.name, size, root }, [signer]);
    const samples = Array.from({ length: 200 }, (_, index) => Math.floor(((index + 0.37) * size) / 200));
    let made = 0;
    let checked = 0;
    let largest = 0;
    let hashes = 0;
    const own = Buffer.alloc(32);
    for (const index of samples) {
      // A fresh reader each time: nothing is warm for an examiner who asks for one proof.
      const from = performance.now();
      const proof = await new TileTree(tiles, size).inclusionProof(index);
      made += performance.now() - from;
      const text = formatTlogProof({ index, hashes: proof, checkpoint: note, extra: LEAF });
      largest = Math.max(largest, Buffer.byteLength(text));
      hashes = Math.max(hashes, proof.length);
      leafHashOf(index, own, 0);
      const since = performance.now();
      verifyInclusion(index, size, own, proof, root);
      checked += performance.now() - since;
    }
    const old = Math.floor(size * 0.618);
    const from = performance.now();
    const consistency = await new TileTree(tiles, size).consistencyProof(old);
    const consistencyMs = performance.now() - from;
    verifyConsistency(old, size, consistency, await tree.rootAt(old), root);
    const figure = {
      leaves: size,
      inclusion_hashes: hashes,
      proof_file_bytes: largest,
      make_ms: Number((made / samples.length).toFixed(3)),
      verify_us: Number(((checked / samples.length) * 1000).toFixed(1)),
      consistency_hashes: consistency.length,
      consistency_bytes: consistency.length * 32,
      consistency_make_ms: Number(consistencyMs.toFixed(2)),
      built_in_s: Number(builtIn.toFixed(1)),
    };
    say(JSON.stringify(figure));
    figures.push(figure);
  }
  return figures;
}
