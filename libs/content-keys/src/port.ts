/** A key as the catalogue keeps it: wrapped, under an id that events name. */
export interface IssuedKey {
  /** UUIDv7. */
  readonly id: string;
  /** What KeyWrapper.wrap gave; base64. */
  readonly wrapped: string;
}

/** A key under another key-encryption key than before; the key itself is the same. */
export interface Rewrapped extends IssuedKey {
  readonly before: string;
}

/** What the catalogue says of a key. An id it does not know is no answer at all: never "destroyed". */
export type KeyState =
  { readonly state: 'live'; readonly wrapped: string } | { readonly state: 'destroyed'; readonly erasure: string; readonly at: number };

/** A key that is no more. Times in milliseconds since the Unix epoch. */
export interface DestroyedKey {
  readonly id: string;
  readonly erasure: string;
  readonly at: number;
}

/**
 * Port: the wrapped keys that seal content, and the graves of those that were destroyed. One contract suite runs against every adapter.
 * @throws AffiantError catalogue_failed (retryable) while it is away
 */
export interface KeyBook {
  /** Durable when it resolves: only then may a key of them seal anything. @throws AffiantError conflict when an id is taken */
  issue(keys: readonly IssuedKey[], at: number): Promise<void>;
  /** Ids that are not known are left out of the answer. */
  find(ids: readonly string[]): Promise<Map<string, KeyState>>;
  /**
   * The wrapped bytes are gone when it resolves. Idempotent: a key that was destroyed before stays as it was. An id that is not known gets its grave all
   * the same, so that an old copy of the catalogue that is put back does not bring the key back. @returns how many were live
   */
  destroy(ids: readonly string[], erasure: string, at: number): Promise<number>;
  /** Keys that are not destroyed, by their ids, after that one. */
  live(after: string, limit: number): Promise<IssuedKey[]>;
  /** Puts another wrapping in place of one that is still as given; what was destroyed or changed meanwhile stays as it is. @returns how many were replaced */
  rewrap(changes: readonly Rewrapped[]): Promise<number>;
  /** Keys that were destroyed at or after that time, oldest first. */
  destroyedSince(at: number, limit: number): Promise<DestroyedKey[]>;
}

/**
 * Port: the key-encryption key. It wraps keys of 32 bytes and never leaves its adapter.
 * @throws AffiantError content_key_failed when it does not answer, or when what it is given was not wrapped by it
 */
export interface KeyWrapper {
  /** @param id is bound to the result: it unwraps under the same id only */
  wrap(id: string, key: Buffer): Promise<string>;
  unwrap(id: string, wrapped: string): Promise<Buffer>;
}

/** What a pool of keys needs of a KeyWrapper. */
export interface IssuingWrapper extends Pick<KeyWrapper, 'wrap'> {
  /** Looks whether it is to wrap under another key from now on; asked before each batch of keys. What it throws fails the batch. */
  refresh?(): Promise<void>;
}

/** A KeyWrapper among several: what it wraps begins with its name and a full stop, so that it is found again after a rotation. */
export interface NamedWrapper extends KeyWrapper {
  /** `file-` or `kms-` and 16 hexadecimal digits; says nothing of the key. */
  readonly name: string;
}

/** Port: a key of a keeper elsewhere, such as a KMS. Up to some kilobytes in one call. Whatever it throws is taken for passing. */
export interface RemoteKey {
  /** As the keeper knows it; constant for life, since it names what was wrapped. */
  readonly keyId: string;
  encrypt(plain: Buffer): Promise<Buffer>;
  decrypt(sealed: Buffer): Promise<Buffer>;
}
