import { describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { parseVkey } from '#signing';
import { fuzz, type FuzzTarget } from '../../../test/support/fuzz.mjs';
import { signerOf } from '../../signing/src/memory-signer.fixture.js';
import {
  checkNote,
  cosign,
  cosignerKey,
  decodeLeaf,
  encodeLeaf,
  formatTlogProof,
  formatTreeHead,
  isTilePath,
  joinBundle,
  leafHash,
  LEAF_TYPES,
  MemoryTileStore,
  noteKey,
  openCheckpoint,
  openNote,
  parseNote,
  parseTlogProof,
  parseTreeHead,
  parseTrustPolicy,
  readNote,
  signCheckpoint,
  splitBundle,
  splitTile,
  TileTree,
  TreeEdge,
  verifyConsistency,
  verifyInclusion,
  verifyTlogProof,
} from './index.js';
import { parseSealedState } from './sealed-state.js';

const SIZE = 300;
const log = signerOf('affiant.example/ledger');
const witness = signerOf('witness.example/a');
const leaves = Array.from({ length: SIZE }, (_, index) =>
  encodeLeaf({
    type: LEAF_TYPES[index % LEAF_TYPES.length]!,
    boot_epoch: 1,
    seq: index + 1,
    occurred_at: 1_790_000_000_000_000 + index,
    schema_sha256: Buffer.alloc(32, 1),
    payload_hash: Buffer.alloc(32, index % 251),
    prev_hash: Buffer.alloc(32, 3),
    source_id: index % 2 === 0 ? 'gateway' : 'gateway-ü',
  }),
);
const tiles = new MemoryTileStore();
const { edge, files } = TreeEdge.empty.extend(leaves);
for (const { path, bytes } of files) await tiles.put(path, bytes);
const tree = new TileTree(tiles, SIZE);
const root = edge.root();
const head = { origin: log.name, size: SIZE, root };
const note = (await signCheckpoint(head, [log])) + (await cosign(formatTreeHead(head), witness, 1_790_000_000));
const inclusion = await tree.inclusionProof(7);
const consistency = await tree.consistencyProof(100);
const proof = formatTlogProof({ index: 7, hashes: inclusion, checkpoint: note, extra: leaves[7]! });
const policyText = `log ${log.vkey} https://ledger.example/\nwitness A ${witness.cosignerVkey} https://a.example/\ngroup all 1 A\nquorum all\n`;
const policy = parseTrustPolicy(policyText);
const oldRoot = await tree.rootAt(100);
const sealed = JSON.stringify({
  round: 3,
  tree_size: SIZE,
  root_hash: root.toString('hex'),
  note,
  frontiers: { gateway: 7 },
  heads: { gateway: 'ab'.repeat(32) },
  offsets: { gateway: 8 },
  sealed_at: 1,
  last: [{ partition: 'gateway', from: 1, to: 7 }],
  open: null,
});

const text = (...texts: string[]): Buffer[] => texts.map((one) => Buffer.from(one));
const hashesOf = (bytes: Buffer): Buffer[] =>
  Array.from({ length: Math.floor(bytes.length / 32) }, (_, at) => bytes.subarray(at * 32, at * 32 + 32));
const paths = [...tiles.tiles.keys(), 'checkpoint'];

const targets: FuzzTarget[] = [
  { name: 'note', seeds: text(note), codes: ['note_invalid'], parse: parseNote },
  { name: 'signed note', seeds: text(note), codes: ['note_invalid'], parse: (bytes) => openNote(bytes, [log.vkey]) },
  { name: 'tree head', seeds: text(formatTreeHead(head)), codes: ['note_invalid'], parse: (bytes) => parseTreeHead(bytes.toString()) },
  { name: 'checkpoint', seeds: text(note), codes: ['note_invalid'], parse: (bytes) => openCheckpoint(bytes, [log.vkey]) },
  { name: 'cosigned note', seeds: text(note), codes: ['note_invalid'], parse: (bytes) => readNote(policy, bytes) },
  { name: 'cosigned note, quorum', seeds: text(note), codes: ['note_invalid', 'quorum_unmet'], parse: (bytes) => checkNote(policy, bytes) },
  { name: 'vkey', seeds: text(log.vkey), codes: ['key_invalid'], parse: (bytes) => parseVkey(bytes.toString()) },
  { name: 'note key', seeds: text(log.vkey), codes: ['key_invalid'], parse: (bytes) => noteKey(bytes.toString()) },
  { name: 'cosigner key', seeds: text(witness.cosignerVkey), codes: ['key_invalid'], parse: (bytes) => cosignerKey(bytes.toString()) },
  { name: 'trust policy', seeds: text(policyText), codes: ['config_invalid', 'key_invalid'], parse: parseTrustPolicy },
  { name: 'proof file', seeds: text(proof), codes: ['proof_invalid'], parse: (bytes) => parseTlogProof(bytes.toString()) },
  {
    name: 'proof file, verified',
    seeds: text(proof),
    codes: ['proof_invalid', 'note_invalid'],
    parse: (bytes) => verifyTlogProof(parseTlogProof(bytes.toString()), leaves[7]!, [log.vkey]),
  },
  {
    name: 'inclusion proof',
    seeds: [Buffer.concat(inclusion)],
    codes: ['proof_invalid'],
    parse: (bytes) => verifyInclusion(7, SIZE, leafHash(leaves[7]!), hashesOf(bytes), root),
  },
  {
    name: 'consistency proof',
    seeds: [Buffer.concat(consistency)],
    codes: ['proof_invalid'],
    parse: (bytes) => verifyConsistency(100, SIZE, hashesOf(bytes), oldRoot, root),
  },
  {
    name: 'leaf',
    seeds: leaves.slice(0, LEAF_TYPES.length),
    codes: ['event_invalid'],
    parse: (bytes) => expect(encodeLeaf(decodeLeaf(bytes)).equals(bytes)).toBe(true),
  },
  { name: 'tile', seeds: [tiles.tiles.get('tile/0/000')!], codes: [], parse: (bytes) => splitTile(bytes, 256) },
  {
    name: 'entry bundle',
    seeds: [joinBundle(leaves.slice(0, 256)), joinBundle([Buffer.alloc(0)])],
    codes: [],
    parse: (bytes) => splitBundle(bytes, 256),
  },
  { name: 'tile path', seeds: text(...paths), codes: [], parse: (bytes) => isTilePath(bytes.toString()) },
  {
    name: 'tree over damaged tiles',
    seeds: [joinBundle(leaves.slice(256)), tiles.tiles.get(`tile/0/001.p/${SIZE - 256}`)!],
    codes: ['proof_invalid'],
    parse: async (bytes) => {
      const damaged = new TileTree({ get: async (path) => (path.includes('001') ? bytes : tiles.get(path)) }, SIZE);
      const works = [damaged.leaf(SIZE - 1), damaged.inclusionProof(SIZE - 1), damaged.root()];
      const failed = (await Promise.allSettled(works)).find((one) => one.status === 'rejected');
      // One seed is a bundle and the other a tile: neither can be both.
      if (failed !== undefined && !(failed.reason instanceof AffiantError && failed.reason.code === 'proof_invalid'))
        throw failed.reason as Error;
    },
  },
  { name: 'sealed state', seeds: text(sealed), codes: ['ledger_conflict'], parse: (bytes) => parseSealedState(bytes.toString(), 'here') },
];

describe('whatever bytes come, a parser answers or refuses in words of its own', () => {
  it.each(targets)('$name', async (target) => {
    const { runs, slowestMs } = await fuzz(target);
    expect(runs).toBeGreaterThan(0);
    expect(slowestMs).toBeLessThan(20_000);
  });
});

describe('the fuzzer itself', () => {
  it('finds a parser that fails in words of somebody else, the same one again, and is let in by one that takes all', async () => {
    const fragile = {
      name: 'fragile',
      seeds: text('old 100\nabc\n'),
      codes: ['note_invalid'],
      parse: (bytes: Buffer) => {
        if (bytes.includes(0xff)) throw new TypeError('0xff');
      },
    };
    const found = await fuzz(fragile, 2_000, 7).catch((error: unknown) => (error as Error).message);
    expect(found).toMatch(/^fragile: threw TypeError : 0xff \(seed 7, run \d+, input [0-9a-f]+\)$/);
    expect(await fuzz(fragile, 2_000, 7).catch((error: unknown) => (error as Error).message)).toBe(found);
    const { accepted } = await fuzz({ ...fragile, parse: () => undefined }, 100);
    expect(accepted).toBe(100);
  });
});
