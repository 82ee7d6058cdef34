import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { AffiantError } from '#errors';
import type { EngineAccess } from '#ledger-store';
import { fromJsonCompact, type QueryResult } from '../model/result.js';
import type { QueryRunner } from './query-runner.js';

/** The engine's own bound is lower; this one frees us when the engine is gone without closing. */
const TIMEOUT_MS = 180_000;
const MAX_ERROR = 600;

/**
 * QueryRunner over ClickHouse's HTTP interface. `access` is asked for every call: address and passwords are new after every start of the
 * engine.
 */
export class ClickHouseQueryRunner implements QueryRunner {
  constructor(private readonly access: () => EngineAccess) {}

  async run(sql: string): Promise<QueryResult> {
    const response = await this.#send(sql, 'JSONCompact');
    const text = await read(response);
    try {
      return fromJsonCompact(JSON.parse(text) as Parameters<typeof fromJsonCompact>[0]);
    } catch (cause) {
      // An error that comes after the first bytes is written into the body.
      throw new AffiantError('engine_failed', `the engine broke off its answer: ${text.slice(-MAX_ERROR)}`, { cause });
    }
  }

  async *bytes(sql: string): AsyncIterable<Buffer> {
    const response = await this.#send(sql, 'RowBinary');
    if (response.body === null) return;
    for await (const chunk of Readable.fromWeb(response.body as ReadableStream)) yield chunk as Buffer;
  }

  async #send(sql: string, format: string): Promise<Response> {
    const { url, headers, readers } = this.access();
    let response: Response;
    try {
      response = await fetch(`${url}/?${new URLSearchParams({ default_format: format }).toString()}`, {
        method: 'POST',
        body: sql,
        headers: { ...headers, 'X-ClickHouse-User': readers.evidence.user, 'X-ClickHouse-Key': readers.evidence.password },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw new AffiantError('engine_failed', 'the ledger engine does not answer', { cause });
    }
    if (response.ok) return response;
    const reason = (await read(response)).slice(0, MAX_ERROR);
    const limit = /TOO_MANY_ROWS|TIMEOUT_EXCEEDED|MEMORY_LIMIT|QUOTA_EXCEEDED|TOO_MANY_ROWS_OR_BYTES/.test(reason);
    throw new AffiantError(
      limit ? 'query_limit' : response.status >= 500 && !/^Code: \d/.test(reason) ? 'engine_failed' : 'query_failed',
      reason,
    );
  }
}

async function read(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw new AffiantError('engine_failed', 'the ledger engine broke off', { cause });
  }
}
