import { openFileSigner, loadOrCreateSecret, type FileSigner } from '#signing';
import type { State } from '../state.js';

/** The secrets of one installation, each a 0600 file under `<state>/keys`. */
export interface Keys {
  /** Encrypts the journals. */
  readonly journal: Buffer;
  /** Keyed digests of originals and of what approvals are about. */
  readonly digest: Buffer;
  /** Placeholders: the same value gets the same placeholder in this deployment only. */
  readonly placeholder: Buffer;
  /** Signs checkpoints and packets. */
  readonly ledger: FileSigner;
}

/** @throws AffiantError key_invalid */
export async function loadKeys(state: State, origin: string): Promise<Keys> {
  return {
    journal: await loadOrCreateSecret(state.path('keys', 'journal.key')),
    digest: await loadOrCreateSecret(state.path('keys', 'digest.key')),
    placeholder: await loadOrCreateSecret(state.path('keys', 'placeholder.key')),
    ledger: await openFileSigner({ directory: state.path('keys'), file: 'ledger', name: origin }),
  };
}
