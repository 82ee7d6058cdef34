import { DataSource, type DataSourceOptions } from 'typeorm';
import { AffiantError } from '#errors';
import { ApprovalEntity, PacketEntity } from './entities.js';
import { ContentKeyEntity, OriginalKeyEntity } from './content-keys/entity.js';
import { ErasureEntity } from './erasures/entity.js';
import { DropEntity, HoldEntity } from './holds/entities.js';
import { migrate } from './migrate.js';
import { First1763700000001 } from './migrations/1-first.js';
import { PacketJobs1764100000002 } from './migrations/2-packet-jobs.js';
import { Holds1764200000003 } from './migrations/3-holds.js';
import { ContentKeys1764300000004 } from './migrations/4-content-keys.js';
import { Originals1764400000005 } from './migrations/5-originals.js';
import { PGliteServer, pglitePool } from './pglite/pglite-pool.js';
import { serverOptions } from './postgres/server-options.js';
import { UnsealingEntity } from './unsealings/entity.js';

const COMMON = {
  type: 'postgres',
  entities: [ApprovalEntity, PacketEntity, HoldEntity, DropEntity, ContentKeyEntity, OriginalKeyEntity, ErasureEntity, UnsealingEntity],
  migrations: [First1763700000001, PacketJobs1764100000002, Holds1764200000003, ContentKeys1764300000004, Originals1764400000005],
  migrationsTableName: 'catalogue_migration',
  synchronize: false,
  installExtensions: false,
  uuidExtension: 'pgcrypto',
} as const satisfies Partial<DataSourceOptions> & { type: 'postgres' };

const POOL = 10;
const ANSWER_MS = 20_000;

/** Where the catalogue lives: a directory for the embedded engine, or a PostgreSQL server. */
export type CatalogueLocation = { readonly directory: string } | ServerLocation;

export interface ServerLocation {
  /** postgres://user:password@host/database */
  readonly url: string;
  /** Connections this process may hold; default 10. */
  readonly pool?: number;
  /** How long a call waits for a silent server, milliseconds; default 20,000. */
  readonly answerMs?: number;
}

/**
 * Opens the catalogue and brings its schema up to date; several services may do so at once. But for the wrapped content keys it holds only what can be
 * rebuilt from the event log: those must be backed up (docs/guide/back-up-and-restore.md). Once open, it outlives restarts of the server: calls fail with catalogue_failed while it is away.
 * @throws AffiantError catalogue_failed
 */
export async function openCatalogue(location: CatalogueLocation): Promise<DataSource> {
  let source: DataSource | null = null;
  try {
    source = new DataSource({
      ...COMMON,
      ...('url' in location
        ? serverOptions(location.url, location.pool ?? POOL, location.answerMs ?? ANSWER_MS)
        : { driver: { Pool: pglitePool(await PGliteServer.start(location.directory)) } }),
    });
    await source.initialize();
    await migrate(source);
    return source;
  } catch (cause) {
    if (source?.isInitialized === true) await source.destroy().catch(() => undefined);
    throw cause instanceof AffiantError ? cause : new AffiantError('catalogue_failed', 'the catalogue cannot be opened', { cause });
  }
}
