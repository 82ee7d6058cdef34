import type { Logger } from '#observability';

/** Where objects lie. Secrets are given resolved. */
export interface ObjectStoreOptions {
  /** Of an S3-compatible store; absent = Amazon S3. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  /** First part of every key; empty = the whole bucket is ours. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Bucket in the path instead of the host name. */
  readonly pathStyle: boolean;
  /** How long object lock keeps what is put with `retain`, milliseconds. */
  readonly retainMs: number;
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** Tries of a request that fails in passing, with growing pauses. Default 5. */
  readonly attempts?: number;
  /** Versions asked for at a time. Default 1,000. */
  readonly pageSize?: number;
  /** How long one try waits for an answer, milliseconds. Default 30,000. */
  readonly answerMs?: number;
}
