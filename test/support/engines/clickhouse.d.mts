import type { TestEngine } from './engine.d.mts';

export interface TestLogin {
  readonly user: string;
  readonly password: string;
}

/** The users of ops/clickhouse/roles.sql; passwords stay the same over restarts. */
export interface TestClickHouse extends TestEngine {
  readonly users: Readonly<Record<'writer' | 'migrator' | 'retention' | 'eraser' | 'auditor' | 'examiner' | 'evidence', TestLogin>>;
}

export function startClickHouse(): Promise<TestClickHouse>;
