import type { S3Client } from '@aws-sdk/client-s3';
import type { TestEngine } from './engine.d.mts';

export interface TestS3 extends TestEngine {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Versioned, with object lock. */
  readonly bucket: string;
  createBucket(name: string, options?: { readonly lock?: boolean; readonly versioning?: boolean }): Promise<string>;
  /** A client with the server's own rights; the caller destroys it. */
  client(): S3Client;
}

/** False, with a loud word, when it cannot be built (with CI=true: throws). */
export function hasS3(): boolean;
export function startS3(): Promise<TestS3>;
