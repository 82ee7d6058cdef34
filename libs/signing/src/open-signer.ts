import { join } from 'node:path';
import { openFileSigner } from './file-signer.js';
import { openKmsSigner } from './kms-signer.js';
import { openPkcs11Signer } from './pkcs11-signer.js';
import { holdAgainstPinned, readPinned } from './pinned-vkey.js';
import type { Signer, SignerSpec } from './port.js';

export interface OpenSignerOptions {
  readonly spec: SignerSpec;
  /** Where key files and public keys stand, e.g. `<state>/keys`. */
  readonly directory: string;
  /** File stem of the key file and of the public key beside it. */
  readonly file: string;
  readonly name: string;
  /** Make nothing and write nothing. */
  readonly shared?: boolean;
}

export interface OpenedSigner extends Signer {
  /** True when this call made the key; a token or a KMS makes its own. */
  readonly created: boolean;
}

/**
 * Opens the key wherever it is kept, and holds it against the public key that was pinned at the first opening.
 * @throws AffiantError key_invalid, signer_failed, config_secret_missing
 */
export async function openSigner({ spec, directory, file, name, shared = false }: OpenSignerOptions): Promise<OpenedSigner> {
  if (spec.kind === 'file') {
    const passphrase = await spec.passphrase?.();
    return openFileSigner({ directory, file, name, shared, ...(passphrase === undefined ? {} : { passphrase }) });
  }
  const path = join(directory, `${file}.vkey`);
  const pinned = await readPinned(path);
  const signer = spec.kind === 'pkcs11' ? await openPkcs11Signer(spec, name) : await openKmsSigner(spec, name);
  await holdAgainstPinned(path, pinned, signer.vkey, shared);
  return { ...signer, created: pinned === null };
}
