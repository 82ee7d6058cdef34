import { createHash, timingSafeEqual } from 'node:crypto';
import { AffiantError } from '#errors';
import { boxKey, KEY_BYTES, nameOf, notOurs, unboxKey } from './key-box.js';
import type { NamedWrapper } from './port.js';

/** A key-encryption key in memory, read from its file by whoever opens it. Wrapped: `<name>.<box>`; before keys had names the box alone. */
export class LocalWrapper implements NamedWrapper {
  readonly name: string;
  readonly #key: Buffer;

  /** @throws AffiantError key_invalid */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES || timingSafeEqual(key, Buffer.alloc(KEY_BYTES)))
      throw new AffiantError('key_invalid', 'a key-encryption key has 32 random bytes');
    this.#key = key;
    // One way, and of 256 random bits: says nothing of the key.
    this.name = `file-${createHash('sha256').update('affiant key-encryption key\n').update(key).digest('hex').slice(0, 16)}`;
  }

  async wrap(id: string, key: Buffer): Promise<string> {
    return `${this.name}.${boxKey(this.#key, id, key)}`;
  }

  async unwrap(id: string, wrapped: string): Promise<Buffer> {
    const name = nameOf(wrapped);
    if (name !== null && name !== this.name) throw notOurs(id, `the key was wrapped under ${name}, not under ${this.name}`);
    return unboxKey(this.#key, id, name === null ? wrapped : wrapped.slice(name.length + 1));
  }
}
