import type { Readable } from 'node:stream';
import { Agent } from 'undici';
import { AffiantError, isAffiantError } from '#errors';
import type { EngineAccess, ReaderRole } from '#ledger-store';

export interface EngineAnswer {
  readonly status: number;
  /** Lower-case names; repeated headers as a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

export interface EngineCall {
  readonly role: ReaderRole;
  readonly query: string;
  readonly params: URLSearchParams;
  readonly acceptEncoding?: string | undefined;
  readonly signal?: AbortSignal;
}

/** ClickHouse's HTTP interface as a restricted reader. Bodies are streamed as they come, compressed or not. */
export class EngineClient {
  readonly #agent: Agent;

  constructor(
    private readonly engine: () => EngineAccess,
    timeoutMs: number,
  ) {
    // Progress headers of a long query add up: about 300 bytes ten times a second.
    this.#agent = new Agent({ connections: 64, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxHeaderSize: 512 * 1024 });
  }

  /** @throws AffiantError engine_failed when the engine cannot be reached; an error of the query is an answer. */
  async run({ role, query, params, acceptEncoding, signal }: EngineCall): Promise<EngineAnswer> {
    const { url, headers, readers } = this.engine();
    const { user, password } = readers[role];
    const sent: Record<string, string> = { ...headers, 'x-clickhouse-user': user, 'x-clickhouse-key': password };
    if (acceptEncoding !== undefined) sent['accept-encoding'] = acceptEncoding;
    try {
      const answer = await this.#agent.request({
        origin: url,
        path: `/?${params.toString()}`,
        method: 'POST',
        headers: sent,
        body: query,
        ...(signal === undefined ? {} : { signal }),
      });
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    } catch (cause) {
      if (isAffiantError(cause)) throw cause;
      throw new AffiantError('engine_failed', 'the ledger engine does not answer', { cause });
    }
  }

  async text(call: EngineCall): Promise<{ readonly status: number; readonly text: string }> {
    const { status, body } = await this.run(call);
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status, text: Buffer.concat(chunks).toString('utf8') };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
