import { join } from 'node:path';
import { removeFileDurably, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import { openSigner } from '../open-signer.js';
import { pinnedAt, readPinned } from '../pinned-vkey.js';
import type { SignerSpec } from '../port.js';
import { keyIdOf, parseVkey } from '../vkey.js';
import { readRing, writeRing, type Ring, type RingKey } from './ring-file.js';

export interface RotateOptions {
  /** Where the new key is kept; a file is made, a token or KMS must have it already. */
  readonly spec: SignerSpec;
  readonly directory: string;
  /** Origin of the log. */
  readonly name: string;
  readonly now: Date;
  /** `overlap`: both sign for a while. `lost`, `compromised`: the old key does not sign any more, from the next start on. */
  readonly reason: 'overlap' | 'lost' | 'compromised';
  /** How long both sign at least, milliseconds. */
  readonly overlapMs: number;
}

export interface Rotation {
  readonly from: RingKey;
  readonly to: RingKey;
  readonly ring: Ring;
}

/**
 * Adds a key to the ring. The log keeps its name: what changes is which keys sign it. Running services take the ring at their next start.
 * A crash before the ring is written leaves a key that nothing names: the next call takes it. After it, the rotation is done.
 * @throws AffiantError conflict while an earlier rotation overlaps; not_found when the log has no key yet; key_invalid; signer_failed
 */
export async function rotateKey(options: RotateOptions): Promise<Rotation> {
  const { directory, name, spec } = options;
  const ring = (await readRing(directory, name)) ?? (await firstRing(options));
  const active = ring.keys.filter(({ state }) => state === 'active');
  if (active.length > 1 && options.reason === 'overlap') {
    throw new AffiantError('conflict', 'the rotation before has not ended', { remedy: 'End it with `affiant keys retire`.' });
  }
  const file = `ledger-${ring.keys.length + 1}`;
  await forgetUnnamed(options, file, ring);
  const signer = await openSigner({ spec, directory, file, name });
  if (ring.keys.some(({ vkey }) => vkey === signer.vkey)) {
    // Nothing may stay pinned under the new name: the next try has another key.
    await removeFileDurably(join(directory, `${file}.vkey`));
    throw new AffiantError('conflict', 'this is a key the log has had already', {
      remedy: 'Make another key pair in the token or KMS, and name it in ledger.signer; name the old one in ledger.previous_signer.',
    });
  }
  const at = options.now.toISOString();
  const overlapUntil = new Date(options.now.getTime() + options.overlapMs).toISOString();
  const ended = (key: RingKey): RingKey => {
    if (key.state !== 'active') return key;
    if (options.reason === 'overlap') return { ...key, overlap_until: overlapUntil };
    return { ...key, state: options.reason === 'lost' ? 'retired' : 'compromised', until: at, overlap_until: null };
  };
  const to: RingKey = { vkey: signer.vkey, file, state: 'active', since: at, until: null, overlap_until: null };
  const next: Ring = { keys: [...ring.keys.map(ended), to] };
  await writeRing(directory, next);
  // The commit point. A crash here leaves a ring that the next start of the ledger takes and records.
  return { from: next.keys.find(({ vkey }) => vkey === active[0]!.vkey)!, to, ring: next };
}

export interface RetireOptions {
  readonly directory: string;
  readonly name: string;
  readonly now: Date;
  /** The newest published checkpoint, and the vkeys whose signatures under it verify. */
  readonly last: { readonly note: string; readonly signedBy: readonly string[] };
  /** Also before the overlap has ended. */
  readonly early?: boolean;
}

/** Where the last checkpoint that a key has signed is kept. */
const lastNotePath = (directory: string, vkey: string): string => {
  const { name, publicKey } = parseVkey(vkey);
  return join(directory, `ledger.last-${keyIdOf(name, publicKey).toString(16).padStart(8, '0')}.note`);
};

/**
 * Ends an overlap: the older key signs no more, and the last checkpoint under both signatures is kept: it carries the trust over.
 * A crash before the ring is written leaves a kept checkpoint, and both keys signing; after it, the rotation has ended.
 * @returns the retired key and where its last checkpoint is
 * @throws AffiantError conflict when nothing overlaps, the overlap lasts, or the checkpoint lacks one of the signatures
 */
export async function retireKey({
  directory,
  name,
  now,
  last,
  early = false,
}: RetireOptions): Promise<{ readonly key: RingKey; readonly note: string }> {
  const ring = await readRing(directory, name);
  const [old, ...newer] = ring?.keys.filter(({ state }) => state === 'active') ?? [];
  if (ring === null || old === undefined || newer.length === 0) throw new AffiantError('conflict', 'no rotation is under way');
  if (!early && old.overlap_until !== null && now.toISOString() < old.overlap_until) {
    throw new AffiantError('conflict', `both keys sign until ${old.overlap_until}`, {
      remedy: 'Wait until every verifier has the new policy; --early ends it at once.',
    });
  }
  if (![old, ...newer].every(({ vkey }) => last.signedBy.includes(vkey))) {
    throw new AffiantError('conflict', 'the newest checkpoint does not carry both signatures', {
      remedy: 'Restart the ledger so that it takes the ring, and wait for a new checkpoint.',
    });
  }
  const note = lastNotePath(directory, old.vkey);
  await writeFileDurably(note, last.note, { mode: 0o644 });
  const key: RingKey = { ...old, state: 'retired', until: now.toISOString(), overlap_until: null };
  await writeRing(directory, { keys: ring.keys.map((one) => (one === old ? key : one)) });
  return { key, note };
}

/** The log as it was before its first rotation. @throws AffiantError not_found, key_invalid */
export async function firstRing({ directory, name }: Pick<RotateOptions, 'directory' | 'name'>): Promise<Ring> {
  const vkey = await readPinned(join(directory, 'ledger.vkey'));
  if (vkey === null) {
    throw new AffiantError('not_found', 'the log has no key yet', { where: directory, remedy: 'Name the directory that has ledger.vkey.' });
  }
  if (parseVkey(vkey).name !== name) {
    throw new AffiantError('key_invalid', `the key belongs to the log ${parseVkey(vkey).name}`, {
      remedy: 'Name the configuration of that log with --config.',
    });
  }
  return {
    keys: [
      { vkey, file: 'ledger', state: 'active', since: await pinnedAt(join(directory, 'ledger.vkey')), until: null, overlap_until: null },
    ],
  };
}

/** A public key that an interrupted rotation pinned, of a token or KMS: the configuration may name another by now. A key in a file is taken instead. */
async function forgetUnnamed({ spec, directory }: RotateOptions, file: string, ring: Ring): Promise<void> {
  const path = join(directory, `${file}.vkey`);
  const pinned = await readPinned(path);
  if (pinned !== null && spec.kind !== 'file' && !ring.keys.some(({ vkey }) => vkey === pinned)) await removeFileDurably(path);
}
