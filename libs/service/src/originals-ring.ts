import { join } from 'node:path';
import { resolveSecret, type SecretRef } from '#config';
import { OriginalsOpener, originalsPairOf, type KeyWrapper } from '#content-keys';
import { AffiantError, toAffiantError } from '#errors';
import { readSharedKeyFile } from '#signing';
import { missingKeyFiles, numberedKeyFiles } from './numbered-keys.js';

/** The first private key; later ones are `originals-2.key` and so on. */
export const ORIGINALS_PRIVATE = 'originals.key';

/** Names told in one message. */
const TOLD = 8;

/** A private key file of the ring: what it opens with, or why it does not. */
export type RingFile =
  | { readonly file: string; readonly opener: OriginalsOpener; readonly error: null }
  | { readonly file: string; readonly opener: null; readonly error: AffiantError };

/**
 * Every private key of originals in a directory. Each opens what was sealed under its own pair, for good: keys of originals are never rewrapped. Files are
 * read one by one, the newest first, until one opens; so it is made for one unsealing, and forgotten with it.
 */
export class OriginalsRing implements Pick<KeyWrapper, 'unwrap'> {
  readonly #read = new Map<string, RingFile>();

  private constructor(
    private readonly directory: string,
    /** Oldest first. */
    readonly files: readonly string[],
    private readonly passphrase: string | null,
  ) {}

  /** @param passphrase of the files that are encrypted: they share one */
  static async open(directory: string, passphrase: string | null): Promise<OriginalsRing> {
    return new OriginalsRing(directory, await numberedKeyFiles(directory, 'originals'), passphrase);
  }

  /** @throws AffiantError content_key_failed when no file is of the pair that it names; key_invalid when one cannot be read, and may be the one */
  async unwrap(id: string, wrapped: string): Promise<Buffer> {
    const pair = originalsPairOf(id, wrapped);
    const opener = await this.find(pair);
    if (opener === null) throw this.#absent(pair, id);
    return opener.unwrap(id, wrapped);
  }

  /** What opens that pair; null when no file does. @throws AffiantError key_invalid when none does and one cannot be read */
  async find(pair: string): Promise<OriginalsOpener | null> {
    let unread: AffiantError | null = null;
    for (const file of this.files.toReversed()) {
      const { opener, error } = await this.read(file);
      if (opener?.name === pair) return opener;
      unread ??= error;
    }
    if (unread === null) return null;
    throw new AffiantError('key_invalid', `no key that can be read is of the key pair ${pair}, and this one cannot be: ${unread.message}`, {
      where: unread.where,
      remedy: unread.remedy,
    });
  }

  /** One file of the ring. */
  async read(file: string): Promise<RingFile> {
    const known = this.#read.get(file);
    if (known !== undefined) return known;
    const read = await this.#open(file);
    this.#read.set(file, read);
    return read;
  }

  async #open(file: string): Promise<RingFile> {
    const path = join(this.directory, file);
    const bad = (error: AffiantError): RingFile => ({ file, opener: null, error });
    const bytes = await readSharedKeyFile(path).then(
      (read) => read.bytes,
      (error: unknown) => toAffiantError(error, 'key_invalid', 'the key file cannot be read'),
    );
    if (!Buffer.isBuffer(bytes)) return bad(bytes);
    try {
      return { file, opener: new OriginalsOpener(bytes, path, this.passphrase), error: null };
    } catch (error) {
      const { message } = toAffiantError(error, 'key_invalid', 'not a key');
      const remedy = `${file} must be in the clear, or under the one passphrase that unseal.passphrase names: encrypt it anew under that, or put its backup back.`;
      return bad(new AffiantError('key_invalid', message, { where: path, remedy }));
    }
  }

  #absent(pair: string, where: string): AffiantError {
    const here = [...this.#read.values()].slice(0, TOLD).map(({ file, opener }) => `${file} is ${opener?.name ?? 'not read'}`);
    const missing = missingKeyFiles(this.files, 'originals', TOLD);
    const which =
      missing.length === 0
        ? 'a newer file than these, or one of another installation'
        : `one of those that are missing here by their numbers: ${missing.join(', ')}`;
    return new AffiantError('content_key_failed', `the originals were sealed under the key pair ${pair}, and its private key is not here`, {
      where,
      remedy: `Put its file back beside the others, ${which} (${here.join(', ')}): ops/runbooks/OriginalsKeyLost.md.`,
    });
  }
}

/** The private keys of that directory, read anew for each unsealing: nothing holds them in between. @throws AffiantError key_invalid, config_secret_missing */
export async function openOriginals(directory: string, passphrase: SecretRef | undefined): Promise<OriginalsRing> {
  const ring = await OriginalsRing.open(directory, passphrase === undefined ? null : await resolveSecret(passphrase));
  if (ring.files.length === 0) await readSharedKeyFile(join(directory, ORIGINALS_PRIVATE));
  return ring;
}
