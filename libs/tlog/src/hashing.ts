import { createHash, hash } from 'node:crypto';

/** Root of the empty tree: SHA-256 of nothing (RFC 6962 §2.1). */
export const EMPTY_ROOT: Buffer = createHash('sha256').digest();

const nodeInput = Buffer.alloc(65);
nodeInput[0] = 0x01;
let leafInput = Buffer.alloc(1 + 1024);

/** SHA-256(0x00 || leaf) (RFC 6962 §2.1). */
export function leafHash(leaf: Uint8Array): Buffer {
  if (leafInput.length < leaf.length + 1) leafInput = Buffer.alloc(leaf.length + 1);
  leafInput[0] = 0x00;
  leafInput.set(leaf, 1);
  return pooled(hash('sha256', leafInput.subarray(0, leaf.length + 1), 'binary'));
}

/** SHA-256(0x01 || left || right) (RFC 6962 §2.1); both 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 33);
  return pooled(hash('sha256', nodeInput, 'binary'));
}

/** A digest as bytes of Node's buffer pool: a Buffer with memory of its own costs more than the hash does, mostly as garbage collection. */
function pooled(digest: string): Buffer {
  return Buffer.from(digest, 'binary');
}

/** Root over `hashes`, which are the roots of equally large perfect subtrees from left to right; not empty. */
export function foldPerfect(hashes: readonly Buffer[]): Buffer {
  const peaks: Buffer[] = [];
  hashes.forEach((one, index) => {
    let top = one;
    // Index counts the subtrees so far: each trailing 1 bit is a finished left neighbour of the same size.
    for (let bits = index; bits % 2 === 1; bits = (bits - 1) / 2) top = nodeHash(peaks.pop()!, top);
    peaks.push(top);
  });
  return foldPeaks(peaks);
}

/** Root of a tree from the roots of its perfect subtrees, largest (leftmost) first; not empty. */
export function foldPeaks(peaks: readonly Buffer[]): Buffer {
  let root = peaks.at(-1)!;
  for (let index = peaks.length - 2; index >= 0; index -= 1) root = nodeHash(peaks[index]!, root);
  return root;
}
