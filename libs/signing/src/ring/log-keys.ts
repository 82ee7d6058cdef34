import { join } from 'node:path';
import { AffiantError } from '#errors';
import { openSigner } from '../open-signer.js';
import { readPinned } from '../pinned-vkey.js';
import type { Signer, SignerSpec } from '../port.js';
import { readRing, type Ring, type RingKey } from './ring-file.js';

export interface LogKeysOptions {
  /** Where the newest key is kept. */
  readonly spec: SignerSpec;
  /** While a rotation overlaps: where the older one is kept, when that is another place. Default: `spec`. */
  readonly previous?: SignerSpec;
  readonly directory: string;
  /** Origin of the log. */
  readonly name: string;
  readonly shared?: boolean;
}

/** The keys of a log at work. */
export interface LogKeys {
  /** Seals packets and names the log: the oldest key that is active, because during an overlap every examiner has that one. */
  readonly primary: Signer;
  /** All that sign now, oldest first: a checkpoint carries a signature by each. */
  readonly signers: readonly Signer[];
  /** Every key the log ever had: what this installation may have sealed with. */
  readonly vkeys: readonly string[];
  /** Null before the first rotation. */
  readonly ring: Ring | null;
  /** True when this call made the first key. */
  readonly created: boolean;
}

/** @throws AffiantError key_invalid when a key that should sign cannot be found; signer_failed, config_secret_missing */
export async function openLogKeys({ spec, previous = spec, directory, name, shared = false }: LogKeysOptions): Promise<LogKeys> {
  const ring = await readRing(directory, name);
  if (ring === null) {
    const signer = await openSigner({ spec, directory, file: 'ledger', name, shared });
    return { primary: signer, signers: [signer], vkeys: [signer.vkey], ring, created: signer.created };
  }
  const active = ring.keys.filter(({ state }) => state === 'active');
  const newest = active.at(-1)!;
  const signers = await Promise.all(active.map((key) => openRingKey(key, key === newest ? spec : previous, directory, name, shared)));
  return { primary: signers[0]!, signers, vkeys: ring.keys.map(({ vkey }) => vkey), ring, created: false };
}

/** The rotation has made and pinned a key of the ring before it named it: here it is never made. */
async function openRingKey(key: RingKey, spec: SignerSpec, directory: string, name: string, shared: boolean): Promise<Signer> {
  const wrong = (message: string): AffiantError =>
    new AffiantError('key_invalid', message, {
      where: `${directory}/${key.file}.vkey`,
      remedy:
        'Restore the files of the keys. While a rotation overlaps, ledger.signer is where the new key is kept and ledger.previous_signer where the old one is.',
    });
  if ((await readPinned(join(directory, `${key.file}.vkey`))) !== key.vkey) throw wrong('the public key that the ring names is not there');
  const signer = await openSigner({ spec, directory, file: key.file, name, shared });
  if (signer.vkey !== key.vkey) throw wrong('the ring of keys names another key than the one that was found');
  return signer;
}
