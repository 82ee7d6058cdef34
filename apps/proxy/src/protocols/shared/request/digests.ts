import { createHash, hash, type Hash } from 'node:crypto';
import type { Slices } from '#wire';

/** Largest piece the trail is given. */
export const CUT_BYTES = 128 * 1024;
/** Bytes hashed in one go: some fifth of a millisecond. */
export const HASH_AT_ONCE = 256 * 1024;
/** Parts that are hashed together. */
const PARTS_AT_ONCE = 512;

export function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** SHA-256 in hex, a quarter of a megabyte at a time. */
export async function sha256Hex(bytes: Buffer, slices: Slices): Promise<string> {
  const digest = createHash('sha256');
  for (let at = 0; at < bytes.length; at += HASH_AT_ONCE) {
    digest.update(bytes.subarray(at, at + HASH_AT_ONCE));
    if (slices.spent) await slices.turn();
  }
  return digest.digest('hex');
}

/** Cuts bytes so that no cut is above 128 kB, each with its SHA-256. `known` saves hashing bytes that were hashed whole already. */
export async function cutDigests(bytes: Buffer, known: string | null, slices: Slices): Promise<{ end: number; sha256: Buffer }[]> {
  if (bytes.length <= CUT_BYTES) return [{ end: bytes.length, sha256: known === null ? sha256(bytes) : keptDigest(known) }];
  const cuts: { end: number; sha256: Buffer }[] = [];
  for (let at = 0; at < bytes.length; at += CUT_BYTES) {
    const end = Math.min(bytes.length, at + CUT_BYTES);
    cuts.push({ end, sha256: sha256(bytes.subarray(at, end)) });
    if (slices.spent) await slices.turn();
  }
  return cuts;
}

/** Digests that are remembered with a piece, side by side in memory of their own. */
const SLAB_BYTES = 128 * 32;
let slab = Buffer.alloc(0);

/** From Node's pool each would keep the 8 kB alive that it was cut from, for as long as its piece is remembered. */
export function keptDigest(hex: string): Buffer {
  if (slab.length === 0) slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  const digest = slab.subarray(0, 32);
  slab = slab.subarray(32);
  digest.write(hex, 'hex');
  return digest;
}

/** SHA-256 over many small parts, hashed as they come: joined at the end, those of a long conversation would hold the event loop. */
export class CallDigest {
  private parts: Buffer[] = [];
  private hash: Hash | null = null;

  add(part: Buffer): void {
    this.parts.push(part);
    if (this.parts.length === PARTS_AT_ONCE) this.flush();
  }

  digest(): Buffer {
    if (this.hash === null) return sha256(Buffer.concat(this.parts));
    this.flush();
    return this.hash.digest();
  }

  private flush(): void {
    this.hash ??= createHash('sha256');
    this.hash.update(Buffer.concat(this.parts));
    this.parts = [];
  }
}
