import { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStoreOptions } from './options.js';

const CONNECT_MS = 5_000;
const ANSWER_MS = 30_000;
const SOCKETS = 64;
const ATTEMPTS = 5;

/** The SDK's standard retries: failures in passing only (network, 5xx, throttling), exponential with jitter. */
export function createClient(options: ObjectStoreOptions): S3Client {
  return new S3Client({
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    region: options.region,
    forcePathStyle: options.pathStyle,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    retryMode: 'standard',
    maxAttempts: options.attempts ?? ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: options.answerMs ?? ANSWER_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: SOCKETS, keepAlive: true },
      httpsAgent: { maxSockets: SOCKETS, keepAlive: true },
    },
  });
}
