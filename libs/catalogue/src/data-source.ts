import { DataSource, type DataSourceOptions } from 'typeorm';
import { AffiantError } from '#errors';
import { ApprovalEntity, PacketEntity } from './entities.js';
import { First1763700000001 } from './migrations/1-first.js';
import { PGliteServer, pglitePool } from './pglite/pglite-pool.js';

const COMMON = {
  type: 'postgres',
  entities: [ApprovalEntity, PacketEntity],
  migrations: [First1763700000001],
  migrationsTableName: 'catalogue_migration',
  synchronize: false,
  installExtensions: false,
  uuidExtension: 'pgcrypto',
} as const satisfies Partial<DataSourceOptions> & { type: 'postgres' };

/** Where the catalogue lives: a directory for the embedded engine, or a PostgreSQL URL. */
export type CatalogueLocation = { readonly directory: string } | { readonly url: string };

/**
 * Opens the catalogue and brings its schema up to date. It holds only what can be rebuilt from the event log.
 * @throws AffiantError catalogue_failed
 */
export async function openCatalogue(location: CatalogueLocation): Promise<DataSource> {
  try {
    const options: DataSourceOptions =
      'url' in location
        ? { ...COMMON, url: location.url }
        : { ...COMMON, driver: { Pool: pglitePool(await PGliteServer.start(location.directory)) } };
    const source = await new DataSource(options).initialize();
    await source.runMigrations({ transaction: 'all' });
    return source;
  } catch (cause) {
    throw cause instanceof AffiantError ? cause : new AffiantError('catalogue_failed', 'the catalogue cannot be opened', { cause });
  }
}
