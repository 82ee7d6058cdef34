import { generateKeyPairSync, sign } from 'node:crypto';
import { formatVkey, type Signer } from './index.js';

/** A fresh key in memory; `cosignerVkey` is its name as a witness. */
export function signerOf(name: string): Signer & { readonly cosignerVkey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return {
    name,
    publicKey: raw,
    vkey: formatVkey(name, raw),
    cosignerVkey: formatVkey(name, raw, 'cosignature'),
    sign: async (message) => sign(null, message, privateKey),
  };
}
