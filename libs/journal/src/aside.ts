import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AffiantError } from '#errors';
import { readFileIfPresent, writeFileDurably } from '#durable';
import { TAG_BYTES } from './format.js';

/** Where the aside of a source is, and what opens it. */
export interface AsidePlace {
  readonly directory: string;
  readonly sourceId: string;
  readonly key: Buffer;
}

const FILE = 'aside';
const SALT_BYTES = 32;

/**
 * The aside: a small encrypted file beside the segments, for what recovery must know of records that are trimmed away.
 * Replaced as a whole; a crash leaves the old or the new one. File: salt (32) || AES-256-GCM ciphertext || tag (16).
 */
export async function writeAside(place: AsidePlace, content: Buffer): Promise<void> {
  const salt = randomBytes(SALT_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(place, salt), NONCE);
  const bytes = [salt, cipher.update(content), cipher.final()];
  await writeFileDurably(join(place.directory, FILE), Buffer.concat([...bytes, cipher.getAuthTag()]));
}

/** Null when there is none. @throws AffiantError journal_corrupt when it was altered or belongs to another source or key. */
export async function readAside(place: AsidePlace): Promise<Buffer | null> {
  const path = join(place.directory, FILE);
  const bytes = await readFileIfPresent(path);
  if (bytes === null) return null;
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(place, bytes.subarray(0, SALT_BYTES)), NONCE);
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(SALT_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new AffiantError('journal_corrupt', 'what was kept of open exchanges does not authenticate', { where: path, cause });
  }
}

/** One message per key, as the salt is new each time: the nonce may be constant (NIST SP 800-38D §8.2.1). */
const NONCE = Buffer.alloc(12);

function keyOf({ key, sourceId }: AsidePlace, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, `affiant journal aside v1 ${sourceId}`, 32));
}
