import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand, type S3Client } from '@aws-sdk/client-s3';
import { AffiantError } from '#errors';
import type { Logger } from '#observability';
import { isMissing, nameOf, storeFailed } from './failure.js';

const WHERE = 'object_store.bucket';

/**
 * Versioning and object lock must be on, or evidence could be deleted and overwritten without a trace.
 * @throws AffiantError config_invalid that says what to do; object_store_failed (retryable) when it does not answer
 */
export async function checkBucket(client: S3Client, bucket: string, logger: Logger): Promise<void> {
  const ask = async <T>(what: string, call: () => Promise<T>): Promise<T | null> => {
    try {
      return await call();
    } catch (cause) {
      if (nameOf(cause) === 'NoSuchBucket')
        throw unfit(bucket, 'does not exist', 'Create it with object lock, which also turns versioning on.');
      if (isMissing(cause)) return null;
      if (nameOf(cause) === 'AccessDenied') {
        throw unfit(bucket, `does not let us read its ${what}`, 'Allow s3:GetBucketVersioning and s3:GetBucketObjectLockConfiguration.');
      }
      throw storeFailed(`the ${what} of the bucket cannot be read`, cause);
    }
  };
  const lock = await ask('object lock', () => client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket })));
  if (lock?.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled') {
    throw unfit(bucket, 'has no object lock', 'Create a bucket with object lock (most stores cannot turn it on later) and name that one.');
  }
  const versioning = await ask('versioning', () => client.send(new GetBucketVersioningCommand({ Bucket: bucket })));
  if (versioning?.Status !== 'Enabled') {
    throw unfit(bucket, 'has versioning off or suspended', 'Turn versioning on for the bucket.');
  }
  if (lock.ObjectLockConfiguration.Rule?.DefaultRetention !== undefined) {
    logger.warn({ bucket }, 'the bucket has a default retention: it also keeps partial tiles and every version of the checkpoint');
  }
}

function unfit(bucket: string, why: string, remedy: string): AffiantError {
  return new AffiantError('config_invalid', `the bucket ${bucket} ${why}`, { where: WHERE, remedy });
}
