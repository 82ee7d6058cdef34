import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { resolveSecret, type ObjectStoreConfig } from '#config';
import { fail, ok, type Check, type Finding } from '../check.js';

/** The bucket of packets and tiles: there, versioned, with object lock. */
export const objectStoreCheck = (config: ObjectStoreConfig): Check => ({
  id: 'object-store',
  title: 'Object store',
  run: async () => {
    const client = new S3Client({
      endpoint: config.endpoint,
      region: config.region,
      forcePathStyle: config.path_style,
      maxAttempts: 2,
      credentials: {
        accessKeyId: await resolveSecret(config.access_key_id),
        secretAccessKey: await resolveSecret(config.secret_access_key),
      },
    });
    try {
      return await look(client, config.bucket);
    } finally {
      client.destroy();
    }
  },
});

async function look(client: S3Client, bucket: string): Promise<Finding> {
  const remedy = 'Make a new bucket with object lock (it brings versioning) and move to it; lock cannot vouch for what was written before.';
  const status = await client.send(new HeadBucketCommand({ Bucket: bucket })).then(
    () => 200,
    (error: { $metadata?: { httpStatusCode?: number } }) => {
      if (error.$metadata?.httpStatusCode === undefined) throw error;
      return error.$metadata.httpStatusCode;
    },
  );
  if (status === 404) return fail(`there is no bucket ${bucket}`, 'Make it with object lock on.');
  if (status !== 200) return fail(`bucket ${bucket} answers ${status}`, 'Check the keys, and that they may use this bucket.');
  const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }));
  if (Status !== 'Enabled') return fail(`${bucket} is not versioned`, remedy);
  const lock = await client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket })).catch(() => null);
  if (lock?.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled') return fail(`${bucket} has no object lock`, remedy);
  return ok(`${bucket}: versioned, object lock on`);
}
