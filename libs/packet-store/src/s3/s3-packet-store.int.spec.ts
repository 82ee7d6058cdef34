import { afterAll, beforeAll, describe } from 'vitest';
import { ObjectStore } from '#object-store';
import { createLogger } from '#observability';
import { hasS3, startS3, type TestS3 } from '../../../../test/support/engines/s3.mjs';
import { packetStoreContract } from '../contract/packet-store.contract.js';
import { S3PacketStore } from './s3-packet-store.js';

describe.skipIf(!hasS3())('packets in an S3 bucket with object lock', () => {
  let s3: TestS3;
  let prefixes = 0;
  const opened: ObjectStore[] = [];
  beforeAll(async () => void (s3 = await startS3()));
  afterAll(async () => {
    for (const objects of opened) objects.close();
    await s3?.stop();
  });

  packetStoreContract('S3PacketStore', async () => {
    const { url: endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
    const objects = await ObjectStore.open({
      endpoint,
      region,
      bucket,
      accessKeyId,
      secretAccessKey,
      prefix: `bank/${(prefixes += 1)}`,
      pathStyle: true,
      retainMs: 3_600_000,
      nowMs: Date.now,
      logger: createLogger('test', { level: 'silent' }),
    });
    opened.push(objects);
    return { store: new S3PacketStore(objects), again: () => new S3PacketStore(objects) };
  });
});
