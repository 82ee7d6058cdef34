import type { TestEngine } from './engine.d.mts';

export interface TestPostgres extends TestEngine {
  /** Makes an empty database; answers its URL. */
  createDatabase(name: string): Promise<string>;
  /** One statement as superuser on a connection of its own. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
}

/** False, with a loud word, when PostgreSQL is not installed (with CI=true: throws). */
export function hasPostgres(): boolean;
export function startPostgres(options?: { readonly settings?: Readonly<Record<string, string>> }): Promise<TestPostgres>;
