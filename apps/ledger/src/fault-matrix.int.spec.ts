import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { ObjectStore } from '#object-store';
import { createLogger } from '#observability';
import { FileCheckpointStore, FileTileStore, PostgresCheckpointStore, S3TileStore, type TileStore } from '#tlog';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../test/support/engines/postgres.mjs';
import { hasS3, startS3, type TestS3 } from '../../../test/support/engines/s3.mjs';
import { faultMatrix } from './testing/fault-matrix.contract.js';
import type { OpenTileStore, WorldStores } from './testing/world.js';

/** What the real adapters write; the other writes of the path are disturbed in memory. */
const WRITES = ['checkpoints.replace', 'tiles.put', 'tiles.publish', 'tiles.prune'];

/** A real store, and what is in it as whoever reads it past the adapter finds it. */
function opened(store: TileStore, read: () => Promise<readonly (readonly [path: string, bytes: Buffer])[]>): OpenTileStore {
  const tiles = new Map<string, Buffer>();
  let checkpoint: string | null = null;
  return {
    tiles,
    get checkpoint() {
      return checkpoint;
    },
    look: async () => {
      tiles.clear();
      for (const [path, bytes] of await read()) {
        if (path === 'checkpoint') checkpoint = bytes.toString();
        else tiles.set(path, bytes);
      }
    },
    put: (path, bytes) => store.put(path, bytes),
    get: (path) => store.get(path),
    publish: (note) => store.publish(note),
    prune: (directories) => store.prune(directories),
  };
}

describe('on disk', () => {
  let directory: string;
  let worlds = 0;
  beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'fault-matrix-'))));
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function open(): Promise<WorldStores> {
    const root = join(directory, String((worlds += 1)));
    const tiles = join(root, 'tiles');
    const read = async (): Promise<[string, Buffer][]> => {
      const entries = await readdir(tiles, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return Promise.all(files.map(async (file) => [relative(tiles, file).split(sep).join('/'), await readFile(file)]));
    };
    return { tiles: opened(new FileTileStore(tiles), read), checkpoints: new FileCheckpointStore(join(root, 'checkpoint.json')) };
  }

  faultMatrix('on files', open, WRITES);
});

describe.skipIf(!hasS3() || !hasPostgres())('on servers', () => {
  let s3: TestS3;
  let postgres: TestPostgres;
  let worlds = 0;
  let closeLast: () => Promise<void> = async () => undefined;
  beforeAll(async () => void ([s3, postgres] = await Promise.all([startS3(), startPostgres()])));
  afterAll(async () => {
    await closeLast();
    await Promise.all([s3?.stop(), postgres?.stop()]);
  });

  async function open(): Promise<WorldStores> {
    await closeLast();
    const name = `world-${(worlds += 1)}`;
    const { url: endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
    const objects = await ObjectStore.open({
      endpoint,
      region,
      bucket,
      accessKeyId,
      secretAccessKey,
      prefix: name,
      pathStyle: true,
      retainMs: 3_600_000,
      nowMs: Date.now,
      logger: createLogger('test', { level: 'silent' }),
    });
    const checkpoints = new PostgresCheckpointStore({ url: postgres.url, log: name });
    closeLast = async () => {
      await checkpoints.close();
      objects.close();
    };
    const read = async (): Promise<[string, Buffer][]> => {
      const keys = await objects.list('tiles');
      return Promise.all(keys.map(async (key) => [key.slice('tiles/'.length), (await objects.read(key))!]));
    };
    return { tiles: opened(new S3TileStore(objects), read), checkpoints };
  }

  faultMatrix('on an object store and PostgreSQL', open, WRITES);
});
