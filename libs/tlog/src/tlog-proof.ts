import { AffiantError } from '#errors';
import { openCheckpoint, type TreeHead } from './checkpoint.js';
import { leafHash } from './hashing.js';
import { decodeBase64 } from './note.js';
import { verifyInclusion } from './proof.js';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A proof in a tree of 2^53 leaves has at most 53 hashes. */
const MAX_HASHES = 64;
const MAX_BYTES = 2_000_000;

/** Offline proof that a leaf is in a signed tree (C2SP tlog-proof). */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Buffer[];
  /** Signed checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Application data that nothing authenticates; we put the leaf's bytes here. */
  readonly extra: Buffer | null;
}

/** File text, media type text/plain, extension `.tlog-proof`. */
export function formatTlogProof(proof: TlogProof): string {
  const lines = [HEADER];
  if (proof.extra !== null) lines.push(`extra ${proof.extra.toString('base64')}`);
  lines.push(`index ${proof.index}`, ...proof.hashes.map((hash) => hash.toString('base64')));
  return `${lines.join('\n')}\n\n${proof.checkpoint}`;
}

/** Strict. The checkpoint is carried, not read. @throws AffiantError proof_invalid */
export function parseTlogProof(text: string): TlogProof {
  need(text.length <= MAX_BYTES, 'the proof is too large');
  const split = text.indexOf('\n\n');
  need(split > 0, 'the proof has no checkpoint');
  const lines = text.slice(0, split).split('\n');
  need(lines.shift() === HEADER, 'not a tlog-proof, version 1');
  const extra = lines[0]?.startsWith('extra ') === true ? decodeBase64(lines.shift()!.slice(6)) : undefined;
  need(extra !== null, 'the extra data is malformed');
  const index = /^index (0|[1-9]\d*)$/.exec(lines.shift() ?? '');
  need(index !== null && Number.isSafeInteger(Number(index[1])), 'the index is malformed');
  need(lines.length <= MAX_HASHES, 'the proof has too many hashes');
  const hashes = lines.map((line) => {
    const hash = decodeBase64(line);
    need(hash !== null && hash.length === 32, 'a hash of the proof is malformed');
    return hash;
  });
  return { index: Number(index[1]), hashes, checkpoint: text.slice(split + 2), extra: extra ?? null };
}

/**
 * Checks that `leaf` is number `index` of the tree whose head a trusted key has signed.
 * @throws AffiantError proof_invalid, note_invalid, key_invalid
 */
export function verifyTlogProof(proof: TlogProof, leaf: Uint8Array, vkeys: readonly string[]): TreeHead {
  const head = openCheckpoint(proof.checkpoint, vkeys);
  verifyInclusion(proof.index, head.size, leafHash(leaf), proof.hashes, head.root);
  return head;
}

function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AffiantError('proof_invalid', message);
}
