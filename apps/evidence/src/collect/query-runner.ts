import type { QueryResult } from '../model/result.js';

/** Port: reads of the ledger as the restricted `evidence` reader. */
export interface QueryRunner {
  /** Complete result, integers exact. @throws AffiantError engine_failed | query_failed | query_limit */
  run(sql: string): Promise<QueryResult>;
  /** Rows of one fixed-width binary column, as bytes. */
  bytes(sql: string): AsyncIterable<Buffer>;
}
