// One-shot job: makes the bucket of `object_store` with versioning and object lock, once. A bucket that is there without them is an error:
// object lock cannot be relied on for what was written before. Usage: create-bucket.mjs --config FILE
import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { loadConfig, resolveSecret } from '#config';

const config = await loadConfig(process.argv[process.argv.indexOf('--config') + 1]);
const store = config.object_store;
if (store === undefined) fail('the configuration has no object_store section');
const client = new S3Client({
  endpoint: store.endpoint,
  region: store.region,
  forcePathStyle: store.path_style,
  credentials: {
    accessKeyId: await resolveSecret(store.access_key_id),
    secretAccessKey: await resolveSecret(store.secret_access_key),
  },
});
const Bucket = store.bucket;

const there = await client.send(new HeadBucketCommand({ Bucket })).then(
  () => true,
  (error) => (error.$metadata?.httpStatusCode === 404 ? false : fail(`${Bucket}: ${error.message}`)),
);
// Created with object lock the bucket is versioned from its first object on; there is no moment in which it is not.
if (!there) await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
const versioning = await client.send(new GetBucketVersioningCommand({ Bucket }));
const lock = await client.send(new GetObjectLockConfigurationCommand({ Bucket })).catch(() => null);
if (versioning.Status !== 'Enabled') fail(`${Bucket} is not versioned`);
if (lock?.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled') fail(`${Bucket} has no object lock`);
console.log(`${Bucket} ${there ? 'was there' : 'was made'}: versioned, object lock on`);

function fail(reason) {
  console.error(`create-bucket: ${reason}`);
  process.exit(1);
}
