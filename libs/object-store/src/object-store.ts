import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { AffiantError } from '#errors';
import { checkBucket } from './check-bucket.js';
import { createClient } from './client.js';
import { isLocked, isMissing, isRace, isThere, storeFailed } from './failure.js';
import type { ObjectStoreOptions } from './options.js';
import { listVersions, type ObjectVersion } from './versions.js';

/** `same`: the object was there with these bytes. `other`: it was there with other bytes, and nothing was changed. */
export type PutOnce = 'created' | 'same' | 'other';

const RACES = 5;
const PAGE = 1_000;
/** What is replaced: the newest checkpoint (C2SP tlog-tiles), and the newest one with cosignatures. */
const MUTABLE = /(^|\/)checkpoint(\.cosigned)?$/;
const KEY = /^(?!.*(^|\/)\.{0,2}(\/|$))[\w.=+/-]{1,500}$/;

/**
 * Objects of one bucket below a prefix. What is put once is read back as it was first written: its oldest version. In a bucket with
 * versioning and object lock somebody else may put a delete marker or newer versions over it, but can neither remove nor change that
 * version while its retention lasts; so neither has an effect here but an error in the log.
 * @throws AffiantError object_store_failed (retryable) when the store does not answer or refuses us, after retries with growing pauses
 */
export class ObjectStore {
  readonly #client: S3Client;
  readonly #prefix: string;

  private constructor(private readonly options: ObjectStoreOptions) {
    this.#client = createClient(options);
    this.#prefix = options.prefix === '' || options.prefix.endsWith('/') ? options.prefix : `${options.prefix}/`;
  }

  /** Checks the bucket first. @throws AffiantError config_invalid (says what to do) | object_store_failed */
  static async open(options: ObjectStoreOptions): Promise<ObjectStore> {
    const store = new ObjectStore(options);
    try {
      await checkBucket(store.#client, options.bucket, options.logger);
    } catch (error) {
      store.close();
      throw error;
    }
    return store;
  }

  /** Where a person finds a key. */
  url(key: string): string {
    return `s3://${this.options.bucket}/${this.#key(key)}`;
  }

  /**
   * Creates an object unless it is there. Durable when it resolves. With `retain`, object lock (mode COMPLIANCE) keeps it from then on.
   * When the answer is lost the object may be there: the same call again answers `same`.
   */
  async putOnce(key: string, bytes: Buffer, { retain }: { readonly retain: boolean }): Promise<PutOnce> {
    const input = {
      Bucket: this.options.bucket,
      Key: this.#key(key),
      Body: bytes,
      IfNoneMatch: '*',
      ...(retain
        ? ({ ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(this.options.nowMs() + this.options.retainMs) } as const)
        : {}),
    };
    for (let left = RACES; ; left -= 1) {
      try {
        await this.#client.send(new PutObjectCommand(input));
        return 'created';
      } catch (cause) {
        if (isRace(cause) && left > 0) continue;
        if (!isThere(cause)) throw storeFailed('an object could not be written', cause);
        const there = await this.readOnce(key);
        if (there !== null) return there.equals(bytes) ? 'same' : 'other';
        // Removed between the two requests (only what has no retention can be).
        if (left <= 0) throw storeFailed('an object could not be written', cause);
      }
    }
  }

  /** The oldest version: what was put once. Null when there was never one. */
  async readOnce(key: string): Promise<Buffer | null> {
    const wanted = this.#key(key);
    let oldest: string | undefined;
    let versions = 0;
    let deleted = false;
    try {
      for await (const version of this.#versions(wanted)) {
        if (version.key !== wanted) {
          if (version.deleteMarker) continue;
          break;
        }
        if (version.deleteMarker) deleted = true;
        else {
          versions += 1;
          oldest = version.versionId;
        }
      }
    } catch (cause) {
      throw storeFailed('the versions of an object could not be listed', cause);
    }
    if (versions > 1 || (versions === 1 && deleted)) {
      this.options.logger.error({ key: wanted, versions, deleted }, 'somebody wrote over a write-once object; its first version is used');
    }
    return versions === 0 ? null : this.#get(wanted, oldest);
  }

  /** Replaces a mutable resource; only `checkpoint` and `checkpoint.cosigned` are. Durable when it resolves. */
  async replace(key: string, bytes: Buffer): Promise<void> {
    if (!MUTABLE.test(key)) throw new AffiantError('usage_invalid', `not a mutable resource: ${key}`);
    try {
      await this.#client.send(new PutObjectCommand({ Bucket: this.options.bucket, Key: this.#key(key), Body: bytes }));
    } catch (cause) {
      throw storeFailed('an object could not be replaced', cause);
    }
  }

  /** The newest version of a mutable resource. */
  read(key: string): Promise<Buffer | null> {
    return this.#get(this.#key(key), undefined);
  }

  /** Keys below a folder that were ever put and are not removed, in order. */
  async list(folder: string): Promise<string[]> {
    const keys = new Set<string>();
    try {
      for await (const { key, deleteMarker } of this.#versions(`${this.#key(folder)}/`)) {
        if (!deleteMarker) keys.add(key.slice(this.#prefix.length));
      }
    } catch (cause) {
      throw storeFailed('objects could not be listed', cause);
    }
    return [...keys].sort();
  }

  /** Removes all versions below a folder for good; what object lock keeps stays. Answers how many stayed. */
  async remove(folder: string): Promise<number> {
    const { bucket } = this.options;
    let kept = 0;
    try {
      const found = [];
      for await (const version of this.#versions(`${this.#key(folder)}/`)) found.push(version);
      for (const { key, versionId } of found) {
        await this.#client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId })).catch((cause: unknown) => {
          if (!isLocked(cause)) throw cause;
          kept += 1;
        });
      }
    } catch (cause) {
      throw storeFailed('objects could not be removed', cause);
    }
    return kept;
  }

  close(): void {
    this.#client.destroy();
  }

  #versions(prefix: string): AsyncGenerator<ObjectVersion> {
    return listVersions(this.#client, this.options.bucket, prefix, this.options.pageSize ?? PAGE);
  }

  async #get(key: string, versionId: string | undefined): Promise<Buffer | null> {
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: this.options.bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) }),
      );
      return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    } catch (cause) {
      if (isMissing(cause)) return null;
      throw storeFailed('an object could not be read', cause);
    }
  }

  #key(key: string): string {
    if (!KEY.test(key)) throw new AffiantError('usage_invalid', 'not a key of the object store', { where: key.slice(0, 200) });
    return this.#prefix + key;
  }
}
