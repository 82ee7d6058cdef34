import { createHash } from 'node:crypto';
import { AffiantError } from '#errors';
import { recordAccess } from '../access/access-log.js';
import type { Caller } from '../access/caller.guard.js';
import type { ConsolePorts } from '../ports.js';
import type { EngineClient } from './engine-client.js';

export type LedgerRow = Readonly<Record<string, unknown>>;

/** Bytes one API answer may have; larger questions go to the SQL endpoint. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** Reads audit views for the API, as the caller's reader. Every read is an event before its rows are handed out. */
export class LedgerReader {
  constructor(
    private readonly ports: ConsolePorts,
    private readonly engine: EngineClient,
  ) {}

  /** `params` are bound by the engine as `{name:Type}`. @throws AffiantError engine_failed | query_failed | query_refused */
  async read(caller: Caller, query: string, params: Readonly<Record<string, string | number>> = {}): Promise<readonly LedgerRow[]> {
    const startedUs = this.ports.clock.monotonicUs();
    const id = this.ports.ids.uuid();
    const text = await this.#fetch(caller, query, params);
    const rows = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LedgerRow);
    await recordAccess(this.ports.recorder, {
      kind: 'ledger.queried',
      principal: caller.credential.principal,
      outcome: 'success',
      subject: id,
      attributes: {
        query_id: id,
        role: caller.reader ?? 'none',
        status: 'done',
        via: 'api',
        rows: rows.length,
        bytes: Buffer.byteLength(text),
        result_sha256: createHash('sha256').update(text).digest('hex'),
        duration_us: this.ports.clock.monotonicUs() - startedUs,
        ...Object.fromEntries(Object.entries(params).map(([name, value]) => [`param_${name}`, value])),
      },
      detail: query,
    });
    return rows;
  }

  async #fetch(caller: Caller, query: string, params: Readonly<Record<string, string | number>>): Promise<string> {
    if (caller.reader === null) throw new AffiantError('query_refused', 'none of your groups may read the ledger');
    const search = new URLSearchParams({ database: 'audit', default_format: 'JSONEachRow', wait_end_of_query: '1' });
    for (const [name, value] of Object.entries(params)) search.set(`param_${name}`, String(value));
    const { status, body } = await this.engine.run({ role: caller.reader, query, params: search });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_ANSWER) throw new AffiantError('query_limit', 'the answer is too large for the API', { remedy: 'Ask by SQL.' });
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    if (status !== 200) throw new AffiantError('query_failed', 'the ledger cannot answer', { cause: new Error(text.slice(0, 500)) });
    return text;
  }
}
