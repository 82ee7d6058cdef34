import { createRequire } from 'node:module';
import type { Pool as UndiciPool } from 'undici';

/**
 * undici's connection pool without the rest of the package: fetch, caches, mocks and WebSockets are 90 modules and 9 MB of resident memory
 * that nothing here calls. The package has no `exports` map; pool.unit.spec.ts fails when a new version moves the file.
 */
export const Pool = createRequire(import.meta.url)('undici/lib/dispatcher/pool.js') as typeof UndiciPool;
export type Pool = UndiciPool;
