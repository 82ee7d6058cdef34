import { AffiantError } from '#errors';
import { keyIdOf, parseVkey, verifyEd25519, type Signer, type Vkey } from '#signing';
import { parseTreeHead } from './checkpoint.js';
import { signatureLine, type NoteKey, type ParsedNote } from './note.js';

/** A witness key and, per note, when it cosigned. */
export interface CosignerKey extends NoteKey {
  readonly vkey: Vkey;
  /** Seconds since the Unix epoch of its cosignature in that note; null when it has none, or one that does not verify. */
  timestampIn(note: ParsedNote): number | null;
}

/**
 * Message of an Ed25519 cosignature (C2SP tlog-cosignature v1): two header lines, then the checkpoint's text.
 * @param timestamp seconds since the Unix epoch. @throws AffiantError note_invalid when `text` is no checkpoint or the time is no count.
 */
export function cosignedMessage(text: string, timestamp: number): Buffer {
  parseTreeHead(text);
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) throw invalid('the time of a cosignature is out of range');
  return Buffer.from(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

/**
 * The signature line, with its newline, by which a witness vouches for a checkpoint's text (signature type 4). The signer's key must be used
 * by no other cosigner: the message does not name it. @throws AffiantError note_invalid
 */
export async function cosign(text: string, signer: Signer, timestamp: number): Promise<string> {
  const signature = await signer.sign(cosignedMessage(text, timestamp));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(timestamp));
  return signatureLine(signer.name, keyIdOf(signer.name, signer.publicKey, 'cosignature'), Buffer.concat([time, signature]));
}

/** @param text vkey of signature type 4. @throws AffiantError key_invalid */
export function cosignerKey(text: string): CosignerKey {
  const vkey = parseVkey(text, 'cosignature');
  const { name, keyId } = vkey;
  const timestampOf = (signed: string, signature: Buffer): number | null => {
    if (signature.length !== 72) return null;
    const time = signature.readBigUInt64BE(0);
    if (time > BigInt(Number.MAX_SAFE_INTEGER)) return null;
    return verifyEd25519(vkey, cosignedMessage(signed, Number(time)), signature.subarray(8)) ? Number(time) : null;
  };
  return {
    name,
    keyId,
    vkey,
    check: (signed, signature) => {
      if (timestampOf(signed, signature) === null) throw invalid(`the cosignature by ${name} does not verify`);
    },
    timestampIn: ({ text: signed, signatures }) => {
      const mine = signatures.find((signature) => signature.name === name && signature.keyId === keyId);
      return mine === undefined ? null : timestampOf(signed, mine.signature);
    },
  };
}

function invalid(message: string): AffiantError {
  return new AffiantError('note_invalid', message);
}
