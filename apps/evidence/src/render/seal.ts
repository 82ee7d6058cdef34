import { AffiantError } from '#errors';
import { keyIdOf, parseVkey, verifyEd25519, type Signer } from '#signing';
import { sha256Hex } from '../model/result.js';

/** Entry of the Info dictionary: marker, then key id (4 bytes) and Ed25519 signature (64 bytes) in lower hex. */
const MARKER = 'affiant-seal/1:';
const HEX = 2 * (4 + 64);
const ZEROS = '0'.repeat(HEX);

/** What is written before sealing; the width never changes. */
export const SEAL_PLACEHOLDER = MARKER + ZEROS;

/**
 * Text that is signed: a C2SP signed-note text over the whole file with the placeholder zeroed. Its first line is no log origin, so it
 * can never be taken for a checkpoint.
 */
export function sealText(zeroed: Uint8Array): string {
  return `affiant-packet-seal/1\n${zeroed.length}\n${sha256Hex(zeroed)}\n`;
}

/** Signs the file and writes the signature over the placeholder. Ed25519 is deterministic: same file and key, same bytes. */
export async function sealPdf(bytes: Buffer, signer: Signer): Promise<Buffer> {
  const at = locate(bytes);
  if (at === null || bytes.toString('latin1', at, at + HEX) !== ZEROS)
    throw new AffiantError('packet_failed', 'the rendered file has no empty place for its seal');
  const signature = await signer.sign(Buffer.from(sealText(bytes)));
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyIdOf(signer.name, signer.publicKey));
  const sealed = Buffer.from(bytes);
  sealed.write(Buffer.concat([id, signature]).toString('hex'), at, 'latin1');
  return sealed;
}

export interface SealReading {
  /** The file as it was signed. */
  readonly zeroed: Buffer;
  /** Lower hex of key id and signature as they stand in the file. */
  readonly hex: string;
}

/** Takes the seal out. Null when the file has none in its one valid spelling. */
export function readSeal(bytes: Buffer): SealReading | null {
  const at = locate(bytes);
  if (at === null) return null;
  const hex = bytes.toString('latin1', at, at + HEX);
  if (!/^[0-9a-f]+$/.test(hex)) return null;
  const zeroed = Buffer.from(bytes);
  zeroed.write(ZEROS, at, 'latin1');
  return { zeroed, hex };
}

/** True when the seal is a signature of this file by the key. @throws AffiantError key_invalid */
export function sealVerifies({ zeroed, hex }: SealReading, vkey: string): boolean {
  const key = parseVkey(vkey.trim());
  const seal = Buffer.from(hex, 'hex');
  return seal.readUInt32BE(0) === key.keyId && verifyEd25519(key, Buffer.from(sealText(zeroed)), seal.subarray(4));
}

/** Offset of the hex digits. The Info dictionary is written after every attachment and page, so the last marker is the one. */
function locate(bytes: Buffer): number | null {
  const at = bytes.lastIndexOf(`(${MARKER}`, undefined, 'latin1');
  const start = at + 1 + MARKER.length;
  return at < 0 || bytes[start + HEX] !== 0x29 ? null : start;
}
