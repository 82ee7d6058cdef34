import { AffiantError, isAffiantError } from '#errors';
import { formatVkey, verifyEd25519 } from './vkey.js';
import type { Signer } from './port.js';

/** What every keeper of keys signs; the smallest bound among the adapters (pkcs11-tool reads one block). */
export const MAX_MESSAGE = 1_024;

/** What an adapter does itself: everything else is the same for all. */
export type RawSign = (message: Buffer) => Promise<Uint8Array>;

/**
 * A signer that hands out nothing it has not verified: a keeper that holds another key, or answers for another request, must not put a
 * signature under a tree head that no examiner can verify.
 */
export function checkedSigner(name: string, publicKey: Buffer, where: string, raw: RawSign): Signer {
  const vkey = formatVkey(name, publicKey);
  return {
    name,
    publicKey,
    vkey,
    sign: async (message) => {
      if (message.length > MAX_MESSAGE)
        throw new AffiantError('signer_failed', `a message of ${message.length} bytes is not signed`, { where });
      const bytes = Buffer.from(message);
      const signature = Buffer.from(await answer(raw, bytes, where));
      if (!verifyEd25519(vkey, bytes, signature)) {
        throw new AffiantError('signer_failed', 'the answer of the signer does not verify under its public key', { where });
      }
      return signature;
    },
  };
}

async function answer(raw: RawSign, message: Buffer, where: string): Promise<Uint8Array> {
  try {
    return await raw(message);
  } catch (cause) {
    throw isAffiantError(cause) ? cause : new AffiantError('signer_failed', 'the signer failed', { where, cause });
  }
}
