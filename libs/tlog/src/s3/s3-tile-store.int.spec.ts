import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ObjectStore } from '#object-store';
import { createLogger } from '#observability';
import { hasS3, startS3, type TestS3 } from '../../../../test/support/engines/s3.mjs';
import { cosignedStoreContract } from '../contract/cosigned-store.contract.js';
import { tileStoreContract } from '../contract/tile-store.contract.js';
import { S3CosignedStore } from '../cosigned-stores.js';
import { S3TileStore } from './s3-tile-store.js';

describe.skipIf(!hasS3())('tiles in an S3 bucket with object lock', () => {
  let s3: TestS3;
  let prefixes = 0;
  const opened: ObjectStore[] = [];
  const objects = async (): Promise<ObjectStore> => {
    const { url: endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
    const store = await ObjectStore.open({
      endpoint,
      region,
      bucket,
      accessKeyId,
      secretAccessKey,
      prefix: `log-${(prefixes += 1)}`,
      pathStyle: true,
      retainMs: 3_600_000,
      nowMs: Date.now,
      logger: createLogger('test', { level: 'silent' }),
    });
    opened.push(store);
    return store;
  };
  beforeAll(async () => void (s3 = await startS3()));
  afterAll(async () => {
    for (const store of opened) store.close();
    await s3?.stop();
  });

  tileStoreContract('S3TileStore', async () => new S3TileStore(await objects()));
  cosignedStoreContract('S3CosignedStore', async () => new S3CosignedStore(await objects()));

  it('publishes the checkpoint beside the tiles, and locks full tiles only', async () => {
    const store = await objects();
    const tiles = new S3TileStore(store);
    await tiles.put('tile/0/000', Buffer.alloc(32, 1));
    await tiles.put('tile/0/001.p/1', Buffer.alloc(32, 2));
    await tiles.publish('note 1\n');
    await tiles.publish('note 2\n');
    expect((await store.read('tiles/checkpoint'))?.toString()).toBe('note 2\n');
    expect(await store.list('tiles')).toEqual(['tiles/checkpoint', 'tiles/tile/0/000', 'tiles/tile/0/001.p/1']);
    // Only the full tile stays, whoever asks.
    expect(await store.remove('tiles')).toBe(1);
    expect(await store.list('tiles')).toEqual(['tiles/tile/0/000']);
  });
});
