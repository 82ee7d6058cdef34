import { randomBytes } from 'node:crypto';
import { AffiantError } from '#errors';
import { KEY_BYTES, nameOf, notOurs } from './key-box.js';
import type { KeyWrapper, NamedWrapper } from './port.js';

/** Stands for what was wrapped before key-encryption keys had names. */
const UNNAMED = 'unnamed';

/** One key-encryption key that wraps, and all that were before it and still open what they wrapped. */
export class WrapperRing implements KeyWrapper {
  readonly #byName: ReadonlyMap<string, NamedWrapper>;

  constructor(
    readonly present: NamedWrapper,
    older: readonly NamedWrapper[] = [],
    /** Names of key-encryption keys that were lost for good; `unnamed` for what has none. One that is here after all is used. */
    private readonly lost: readonly string[] = [],
  ) {
    this.#byName = new Map([...older, present].map((wrapper) => [wrapper.name, wrapper]));
  }

  /** Names of all that open. */
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  wrap(id: string, key: Buffer): Promise<string> {
    return this.present.wrap(id, key);
  }

  /** Whether nobody can open it any more, and who runs this said so. */
  isLost(wrapped: string): boolean {
    const name = nameOf(wrapped);
    return !this.#byName.has(name ?? '') && this.lost.includes(name ?? UNNAMED);
  }

  /** A lost key is answered with one that opens nothing: what it sealed is then unreadable, and holds up nobody. */
  async unwrap(id: string, wrapped: string): Promise<Buffer> {
    if (this.isLost(wrapped)) return randomBytes(KEY_BYTES);
    const name = nameOf(wrapped);
    if (name === null) return this.#unwrapUnnamed(id, wrapped);
    const wrapper = this.#byName.get(name);
    if (wrapper === undefined) throw notOurs(id, `the key-encryption key ${name} is not here`);
    return wrapper.unwrap(id, wrapped);
  }

  /** Of before they had names, when there were files only: what was not wrapped under it, a file does not open. */
  async #unwrapUnnamed(id: string, wrapped: string): Promise<Buffer> {
    let failed: unknown = new AffiantError('content_key_failed', 'no key-encryption key in a file is here', { where: id });
    for (const wrapper of this.#byName.values()) {
      if (!wrapper.name.startsWith('file-')) continue;
      try {
        return await wrapper.unwrap(id, wrapped);
      } catch (error) {
        failed = error;
      }
    }
    throw failed;
  }
}
