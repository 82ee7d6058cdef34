// A real S3 server with versioning and object lock (versitygw over a directory), for tests.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { cacheRoot, missing } from '../tools.mjs';
import { findProgram, startOnFreePort } from './engine-process.mjs';

const MODULE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
const PROGRAM = join(cacheRoot, 'versitygw-1.8.0', 'versitygw');
const ROOT = { accessKeyId: 'affiant-test', secretAccessKey: 'affiant-test-secret' };

/** True when the engine can run here; builds it into the tool cache when a Go compiler is there, and says loudly when not. */
export function hasS3() {
  if (existsSync(PROGRAM)) return true;
  if (findProgram('go') === null) {
    missing('versitygw', 'a Go compiler (1.24 or newer) is needed once to build it');
    return false;
  }
  console.error('building versitygw into the tool cache (once, some minutes)');
  const bin = join(cacheRoot, `versitygw-build-${process.pid}`);
  mkdirSync(bin, { recursive: true });
  const { status } = spawnSync('go', ['install', MODULE], { env: { ...process.env, GOBIN: bin }, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    missing('versitygw', 'go install failed');
    return false;
  }
  mkdirSync(join(PROGRAM, '..'), { recursive: true });
  renameSync(join(bin, 'versitygw'), PROGRAM);
  rmSync(bin, { recursive: true, force: true });
  return true;
}

export async function startS3() {
  if (!hasS3()) throw new Error('versitygw is not there');
  const directory = mkdtempSync(join(tmpdir(), 'affiant-s3-'));
  const [data, versions] = ['data', 'versions'].map((name) => join(directory, name));
  for (const made of [data, versions]) mkdirSync(made);
  const engine = await startOnFreePort({
    name: 'versitygw',
    cwd: directory,
    env: { ROOT_ACCESS_KEY: ROOT.accessKeyId, ROOT_SECRET_KEY: ROOT.secretAccessKey },
    command: (port) => [PROGRAM, '--port', `127.0.0.1:${port}`, 'posix', '--versioning-dir', versions, data],
    ready: async (port) => void (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) })),
  });
  const url = `http://127.0.0.1:${engine.port}`;
  const region = 'us-east-1';
  const client = () => new S3Client({ endpoint: url, region, forcePathStyle: true, credentials: ROOT });
  const createBucket = async (Bucket, { lock = true, versioning = true } = {}) => {
    const s3 = client();
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: lock }));
    if (versioning && !lock) await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    s3.destroy();
    return Bucket;
  };
  return {
    port: engine.port,
    url,
    region,
    ...ROOT,
    /** Versioned, with object lock. */
    bucket: await createBucket('evidence'),
    createBucket,
    /** A client with the server's own rights; the caller destroys it. */
    client,
    get pid() {
      return engine.pid;
    },
    signal: (name) => engine.signal(name),
    kill: () => engine.kill(),
    start: async () => void (await engine.start()),
    stop: async () => {
      await engine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
