import { join } from 'node:path';
import { newOriginalsKeyPair, OriginalsWrapper, type OriginalsOpener } from '#content-keys';
import { createFileDurably, readFileIfPresent, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import { checkPassphrase } from '#signing';
import { keyFileAfter } from './numbered-keys.js';
import { ORIGINALS_PUBLIC } from './originals-keys.js';
import { ORIGINALS_PRIVATE, OriginalsRing } from './originals-ring.js';

/** A rotation of the key pair of originals. Pairs are told by their names, `rsa-` and 16 hexadecimal digits. */
export interface OriginalsRotation {
  /** The new private key, in the directory. */
  readonly file: string;
  readonly name: string;
  /** The pair that sealed until now. */
  readonly before: string;
  /** An earlier run was interrupted: no further pair was made, its own is in place now. */
  readonly finished: boolean;
}

/**
 * Adds a private key to the ring of that directory and puts its public half in place of `originals.pub`. Older private keys stay: they open older events.
 * The private key is durable before anything can seal under its public half, which is then replaced in one step; so at every moment what seals has its
 * private key in the ring. A crash leaves the old pair, perhaps with a new private key that has sealed nothing; run again, it goes on with that one.
 * @param passphrase the new private key is encrypted under it; null: in the clear
 * @throws AffiantError not_found when there is no private key; conflict when `originals.pub` is of none; key_invalid
 */
export async function rotateOriginals(
  directory: string,
  passphrase: string | null,
  makePair: typeof newOriginalsKeyPair = newOriginalsKeyPair,
): Promise<OriginalsRotation> {
  const ring = await OriginalsRing.open(directory, passphrase);
  const newest = ring.files.at(-1);
  if (newest === undefined)
    throw new AffiantError('not_found', `there is no ${ORIGINALS_PRIVATE} to rotate`, {
      where: directory,
      remedy: 'Name the directory that has it, with --directory or --state.',
    });
  const path = join(directory, ORIGINALS_PUBLIC);
  const present = await keyOf(ring, newest);
  const sealing = await readFileIfPresent(path);
  // Only the private keys are here, as in the console: then the newest is taken for the one that seals.
  if (sealing === null) await createFileDurably(path, present.publicPem, { mode: 0o644 });
  const before = sealing === null ? present.name : new OriginalsWrapper(sealing, path).name;
  const finished = before !== present.name;
  if (finished && (await ring.find(before)) === null)
    throw new AffiantError('conflict', `${ORIGINALS_PUBLIC} is of the key pair ${before}, and its private key is not here`, {
      where: path,
      remedy: `Put that private key back. When it is lost for good, delete ${ORIGINALS_PUBLIC} and run this again (ops/runbooks/OriginalsKeyLost.md).`,
    });
  const file = finished ? newest : await addTo(directory, newest, passphrase, makePair);
  // From the file, and not from what was just made: it is the file that has to open what this will seal.
  const { name, publicPem } = await keyOf(await OriginalsRing.open(directory, passphrase), file);
  await writeFileDurably(path, publicPem, { mode: 0o644 });
  return { file, name, before, finished };
}

async function addTo(directory: string, newest: string, passphrase: string | null, makePair: typeof newOriginalsKeyPair): Promise<string> {
  const file = keyFileAfter(newest, 'originals');
  const { privatePem } = await makePair(passphrase === null ? null : checkPassphrase(passphrase));
  if (await createFileDurably(join(directory, file), privatePem, { mode: 0o600 })) return file;
  throw new AffiantError('conflict', 'another rotation is under way', { where: join(directory, file), remedy: 'Let it end.' });
}

async function keyOf(ring: OriginalsRing, file: string): Promise<OriginalsOpener> {
  const { opener, error } = await ring.read(file);
  if (opener === null) throw error;
  return opener;
}
