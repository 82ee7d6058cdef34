import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, type Logger } from '#observability';
import { hasS3, startS3, type TestS3 } from '../../../test/support/engines/s3.mjs';
import { ObjectStore } from './object-store.js';
import type { ObjectStoreOptions } from './options.js';

describe.skipIf(!hasS3())('ObjectStore on a real S3 server', { timeout: 60_000 }, () => {
  let s3: TestS3;
  let root: S3Client;
  let store: ObjectStore;
  const errors: object[] = [];
  const logger = createLogger('test', { level: 'silent' });
  const loud = { ...logger, error: (facts: object) => void errors.push(facts), warn: () => undefined } as unknown as Logger;
  const options = (changes: Partial<ObjectStoreOptions> = {}): ObjectStoreOptions => ({
    endpoint: s3.url,
    region: s3.region,
    bucket: s3.bucket,
    accessKeyId: s3.accessKeyId,
    secretAccessKey: s3.secretAccessKey,
    prefix: 'p',
    pathStyle: true,
    retainMs: 3_600_000,
    nowMs: Date.now,
    logger: loud,
    ...changes,
  });
  const versionsOf = async (Prefix: string): Promise<string[]> => {
    const { Versions = [] } = await root.send(new ListObjectVersionsCommand({ Bucket: s3.bucket, Prefix }));
    return Versions.map(({ VersionId }) => VersionId ?? '');
  };

  beforeAll(async () => {
    s3 = await startS3();
    root = s3.client();
    store = await ObjectStore.open(options());
  });
  afterAll(async () => {
    store?.close();
    root?.destroy();
    await s3?.stop();
  });

  it('lets nobody, its owner included, delete or shorten what is retained', async () => {
    await store.putOnce('kept/a', Buffer.from('one'), { retain: true });
    const [VersionId] = await versionsOf('p/kept/a');
    const version = { Bucket: s3.bucket, Key: 'p/kept/a', VersionId };
    const sooner = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 1_000) } as const;
    // 403 on Amazon S3 and versitygw, 400 on MinIO.
    const refused = { $metadata: { httpStatusCode: expect.toSatisfy((status) => status === 403 || status === 400) as number } };
    await expect(root.send(new DeleteObjectCommand(version))).rejects.toMatchObject(refused);
    await expect(root.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true }))).rejects.toMatchObject(refused);
    await expect(root.send(new PutObjectRetentionCommand({ ...version, Retention: sooner }))).rejects.toMatchObject(refused);
    expect(await store.remove('kept')).toBe(1);
    expect(await versionsOf('p/kept/a')).toEqual([VersionId]);
  });

  it('reads what was put first, and says so when somebody wrote over it or marked it deleted', async () => {
    await store.putOnce('over/a', Buffer.from('true'), { retain: true });
    expect(errors).toEqual([]);
    await root.send(new PutObjectCommand({ Bucket: s3.bucket, Key: 'p/over/a', Body: Buffer.from('forged') }));
    expect((await store.readOnce('over/a'))?.toString()).toBe('true');
    expect(errors.at(-1)).toEqual({ key: 'p/over/a', versions: 2, deleted: false });
    await root.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'p/over/a' }));
    expect((await store.readOnce('over/a'))?.toString()).toBe('true');
    expect(errors.at(-1)).toEqual({ key: 'p/over/a', versions: 2, deleted: true });
    expect(await store.list('over')).toEqual(['over/a']);
    expect(await store.putOnce('over/a', Buffer.from('true'), { retain: true })).toBe('same');
    expect(await store.putOnce('over/a', Buffer.from('forged'), { retain: true })).toBe('other');
  });

  it('finds the first of more versions than one page holds', async () => {
    const narrow = await ObjectStore.open(options({ pageSize: 3 }));
    await narrow.putOnce('many/a', Buffer.from('first'), { retain: false });
    for (let version = 0; version < 10; version += 1) {
      await root.send(new PutObjectCommand({ Bucket: s3.bucket, Key: 'p/many/a', Body: Buffer.from('x') }));
      await narrow.putOnce(`many/b${version}`, Buffer.from('b'), { retain: false });
    }
    expect((await narrow.readOnce('many/a'))?.toString()).toBe('first');
    expect(await narrow.list('many')).toHaveLength(11);
    expect(await narrow.remove('many')).toBe(0);
    expect(await narrow.list('many')).toEqual([]);
    narrow.close();
  });

  it('does not take a longer key for the one that was asked for', async () => {
    await store.putOnce('near/a.p/1', Buffer.from('partial'), { retain: false });
    expect(await store.readOnce('near/a')).toBeNull();
    await store.putOnce('near/a', Buffer.alloc(0), { retain: false });
    expect(await store.readOnce('near/a')).toEqual(Buffer.alloc(0));
    expect(await store.list('near')).toEqual(['near/a', 'near/a.p/1']);
  });

  it('replaces the checkpoint and nothing else', async () => {
    expect(await store.read('tiles/checkpoint')).toBeNull();
    await store.replace('tiles/checkpoint', Buffer.from('1'));
    await store.replace('tiles/checkpoint', Buffer.from('2'));
    expect((await store.read('tiles/checkpoint'))?.toString()).toBe('2');
    for (const key of ['tiles/tile/0/000', 'checkpoint/a', 'not-checkpoint'])
      await expect(store.replace(key, Buffer.from('1'))).rejects.toMatchObject({ code: 'usage_invalid' });
  });

  it.each(['', '../a', 'a/../b', '/a', 'a//b', 'a/', '.', 'a\nb', 'ü'])('takes no key such as %j', async (key) => {
    await expect(store.putOnce(key, Buffer.from('x'), { retain: false })).rejects.toMatchObject({ code: 'usage_invalid' });
  });

  it('waits for a server that restarts, and fails with a retryable code when it stays away', async () => {
    const hasty = await ObjectStore.open(options({ attempts: 2 }));
    await s3.kill();
    const put = store.putOnce('restart/a', Buffer.from('x'), { retain: true });
    await expect(hasty.readOnce('restart/a')).rejects.toMatchObject({ code: 'object_store_failed', status: 503 });
    await s3.start();
    expect(await put).toBe('created');
    expect((await hasty.readOnce('restart/a'))?.toString()).toBe('x');
    hasty.close();
  });

  it('gives up on a silent server', async () => {
    const quiet = await ObjectStore.open(options({ attempts: 1, answerMs: 300 }));
    s3.signal('SIGSTOP');
    try {
      await expect(quiet.putOnce('silent/a', Buffer.from('x'), { retain: true })).rejects.toMatchObject({ code: 'object_store_failed' });
    } finally {
      s3.signal('SIGCONT');
    }
    // What the lost request did is found out by asking again.
    expect(['created', 'same']).toContain(await quiet.putOnce('silent/a', Buffer.from('x'), { retain: true }));
    quiet.close();
  });

  it.each([
    ['no such bucket', { bucket: 'no-such-bucket' }, 'config_invalid', /does not exist.*Create it with object lock/s],
    ['no object lock', { bucket: 'plain' }, 'config_invalid', /has no object lock.*Create a bucket with object lock/s],
    ['a wrong key', { accessKeyId: 'nobody' }, 'object_store_failed', /refused|cannot be read/],
    ['a wrong secret', { secretAccessKey: 'geheim' }, 'object_store_failed', /key pair/],
    ['nobody there', { endpoint: 'http://127.0.0.1:1', attempts: 1 }, 'object_store_failed', /cannot be read/],
  ])('does not open with %s, and says what to do', async (_, changes, code, text) => {
    if ('bucket' in changes && changes.bucket === 'plain') await s3.createBucket('plain', { lock: false });
    const error = await ObjectStore.open(options(changes)).then(
      () => null,
      (cause: { code: string; message: string; remedy: string }) => cause,
    );
    expect(error?.code).toBe(code);
    expect(`${error?.message} ${error?.remedy}`).toMatch(text);
    expect(JSON.stringify(error)).not.toContain('geheim');
  });
});
