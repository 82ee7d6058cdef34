import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import { formatVkey, type Signer } from '#signing';
import {
  formatTlogProof,
  MemoryTileStore,
  parseTlogProof,
  signCheckpoint,
  TileTree,
  TreeEdge,
  verifyTlogProof,
  type TlogProof,
} from './index.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
const signer: Signer = {
  name: 'a.example',
  publicKey: raw,
  vkey: formatVkey('a.example', raw),
  sign: async (m) => sign(null, m, privateKey),
};
const LEAVES = Array.from({ length: 11 }, (_, index) => Buffer.from(`leaf ${index}`));
let proof: TlogProof;
let text: string;

beforeAll(async () => {
  const tiles = new MemoryTileStore();
  const { edge, files } = TreeEdge.empty.extend(LEAVES);
  for (const file of files) await tiles.put(file.path, file.bytes);
  const checkpoint = await signCheckpoint({ origin: 'a.example', size: edge.size, root: edge.root() }, [signer]);
  proof = { index: 6, hashes: await new TileTree(tiles, 11).inclusionProof(6), checkpoint, extra: LEAVES[6]! };
  text = formatTlogProof(proof);
});

describe('tlog-proof', () => {
  it('is written, read and verified', () => {
    expect(text.split('\n').slice(0, 3)).toEqual(['c2sp.org/tlog-proof@v1', `extra ${LEAVES[6]!.toString('base64')}`, 'index 6']);
    expect(parseTlogProof(text)).toEqual(proof);
    expect(verifyTlogProof(parseTlogProof(text), LEAVES[6]!, [signer.vkey]).size).toBe(11);
    expect(parseTlogProof(formatTlogProof({ ...proof, extra: null })).extra).toBeNull();
    expect(() => verifyTlogProof(proof, LEAVES[7]!, [signer.vkey])).toThrow(expect.objectContaining({ code: 'proof_invalid' }));
  });

  it.each([
    ['another header', (t: string) => t.replace('@v1', '@v2')],
    ['leading zero', (t: string) => t.replace('index 6', 'index 06')],
    ['no index', (t: string) => t.replace('index 6\n', '')],
    ['bad hash', (t: string) => t.replace(/index 6\n./, 'index 6\n!')],
    ['bad extra', (t: string) => t.replace('extra ', 'extra !')],
    ['no checkpoint', (t: string) => t.split('\n\n')[0]!],
    ['two extras', (t: string) => t.replace('extra', 'extra AAAA\nextra')],
    ['65 hashes', (t: string) => t.replace('index 6\n', `index 6\n${`${'A'.repeat(43)}=\n`.repeat(65)}`)],
  ])('refuses %s', (_, change) => {
    expect(() => parseTlogProof(change(text))).toThrow(expect.objectContaining({ code: 'proof_invalid' }));
  });

  it('verifies no mutation as another claim', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0x20, max: 0x7e }), (at, unit) => {
        const place = at % text.length;
        const changed = text.slice(0, place) + String.fromCharCode(unit) + text.slice(place + 1);
        try {
          const read = parseTlogProof(changed);
          verifyTlogProof(read, LEAVES[6]!, [signer.vkey]);
          return read.index === 6;
        } catch (error) {
          return isAffiantError(error) && (error.code === 'proof_invalid' || error.code === 'note_invalid');
        }
      }),
      { numRuns: 500 },
    );
  });
});
