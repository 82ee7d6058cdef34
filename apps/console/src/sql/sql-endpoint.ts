import type { IncomingMessage, ServerResponse } from 'node:http';
import { AffiantError, isAffiantError, toAffiantError } from '#errors';
import type { Principal } from '#events';
import { recordAccess } from '../access/access-log.js';
import { readerOf, type Reader } from '../access/roles.js';
import { callerOf } from '../access/caller-of.js';
import type { EngineClient } from '../ledger/engine-client.js';
import type { ConsolePorts } from '../ports.js';
import { asClickHouseError, errorText } from './clickhouse-error.js';
import { answerHeaders, handOut, resultRows, type HandedOut } from './hand-out.js';
import { passGate } from './query-gate.js';
import { QuerySlots } from './query-slots.js';
import { assertNoSecretInUrl, parametersOf, readParams, readQuery, type SqlRequest } from './sql-request.js';

interface RunningQuery {
  readonly id: string;
  readonly principal: Principal;
  readonly role: Reader | 'none';
  readonly request: SqlRequest;
  readonly startedUs: number;
}

type QueryStatus = 'started' | 'done' | 'failed' | 'aborted' | 'refused';

/**
 * ClickHouse's HTTP interface for people and their tools (design.md §5): a token in, a restricted reader of the engine out.
 * Every query is an event before it runs and another one before its last byte leaves.
 */
export class SqlEndpoint {
  readonly #slots: QuerySlots;

  constructor(
    private readonly ports: ConsolePorts,
    private readonly engine: EngineClient,
  ) {
    this.#slots = new QuerySlots(ports.limits.concurrentPerPrincipal, ports.limits.concurrent);
  }

  /** Answers the request in every case; never throws. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response);
    } catch (cause) {
      const error = toAffiantError(cause, 'internal', 'the query could not be served');
      if (!isAffiantError(cause)) this.ports.logger.error({ reason: String(cause) }, 'the SQL endpoint failed');
      sendError(response, error);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    assertNoSecretInUrl(parametersOf(request));
    const { principal } = await callerOf(this.ports, request);
    const startedUs = this.ports.clock.monotonicUs();
    const id = this.ports.ids.uuid();
    response.setHeader('x-affiant-query-id', id);
    const role = readerOf(principal, this.ports.roles);
    const clientQueryId = parametersOf(request).get('query_id');
    let sql: SqlRequest = { query: '', params: new URLSearchParams(), clientQueryId };
    let release = (): void => undefined;
    try {
      if (role === null)
        throw new AffiantError('query_refused', 'none of your groups may query the ledger', { remedy: 'Ask for membership.' });
      release = this.#slots.take(principal);
      sql = { ...sql, query: await readQuery(request, this.ports.limits.queryBytes) };
      sql = { ...sql, params: readParams(request) };
      await this.#run({ id, principal, role, request: sql, startedUs }, role, request, response);
    } catch (cause) {
      // What the journal refuses cannot be recorded: the caller gets its error, and nothing was run.
      if (!isAffiantError(cause) || cause.code.startsWith('journal_')) throw cause;
      const status = cause.code === 'engine_failed' ? 'failed' : 'refused';
      await this.#record({ id, principal, role: role ?? 'none', request: sql, startedUs }, status, { code: cause.code });
      throw cause;
    } finally {
      release();
    }
  }

  async #run(query: RunningQuery, role: Reader, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params, clientQueryId } = query.request;
    response.setHeader('x-clickhouse-query-id', clientQueryId ?? query.id);
    response.setHeader('x-clickhouse-server-display-name', 'affiant');
    const gate = await passGate(this.engine, role, query.request.query, params);
    if (!gate.passed) {
      await this.#record(query, 'failed', { code: engineCode(gate.text), engine_status: gate.status });
      response.writeHead(gate.status, {
        'content-type': 'text/plain; charset=UTF-8',
        'x-clickhouse-exception-code': engineCode(gate.text),
      });
      response.end(gate.text);
      return;
    }
    // A crash after this point leaves an intent without a result: the query may have run, and nobody got its last byte.
    await this.#record(query, 'started', {});
    await this.#execute(query, role, request, response);
  }

  async #execute(query: RunningQuery, role: Reader, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    response.once('close', onClose);
    const out: HandedOut = { bytes: 0, sha256: '' };
    let ended = false;
    try {
      if (response.destroyed) throw new Error('the client is gone');
      // wait_end_of_query: the engine answers when it is done, so that status, summary and row count are final.
      const params = new URLSearchParams(query.request.params);
      params.set('wait_end_of_query', '1');
      params.set('query_id', query.id);
      const answer = await this.engine.run({
        role,
        query: query.request.query,
        params,
        acceptEncoding: request.headers['accept-encoding'],
        signal: gone.signal,
      });
      response.writeHead(answer.status, answerHeaders(answer));
      await handOut(answer, response, out, async () => {
        response.off('close', onClose);
        const rows = resultRows(answer);
        const facts = { ...(rows === null ? {} : { rows }), bytes: out.bytes, result_sha256: out.sha256, engine_status: answer.status };
        const code = answer.headers['x-clickhouse-exception-code'];
        await this.#record(query, answer.status === 200 ? 'done' : 'failed', {
          ...facts,
          ...(code === undefined ? {} : { code: String(code) }),
        });
        ended = true;
      });
    } catch (cause) {
      response.off('close', onClose);
      if (!ended) await this.#record(query, gone.signal.aborted || response.destroyed ? 'aborted' : 'failed', { bytes: out.bytes });
      if (response.headersSent) response.destroy();
      else if (!gone.signal.aborted) sendError(response, toAffiantError(cause, 'engine_failed', 'the query failed'));
    }
  }

  async #record(query: RunningQuery, status: QueryStatus, facts: Readonly<Record<string, string | number>>): Promise<void> {
    const { redact, recorder, clock } = this.ports;
    const { request } = query;
    const parameters = [...request.params]
      .filter(([name]) => name.startsWith('param_'))
      .map(([name, value]) => [name, redact(value).slice(0, 1024)]);
    await recordAccess(recorder, {
      kind: 'ledger.queried',
      principal: query.principal,
      outcome: status === 'started' || status === 'done' ? 'success' : 'failure',
      subject: query.id,
      attributes: {
        query_id: query.id,
        ...(request.clientQueryId === null ? {} : { client_query_id: request.clientQueryId.slice(0, 128) }),
        role: query.role,
        status,
        duration_us: clock.monotonicUs() - query.startedUs,
        ...(Object.fromEntries(parameters) as Record<string, string>),
        ...facts,
      },
      detail: redact(request.query),
    });
  }
}

function engineCode(text: string): string {
  return /^Code: (\d+)/.exec(text)?.[1] ?? '0';
}

function sendError(response: ServerResponse, error: AffiantError): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, code } = asClickHouseError(error);
  const text = errorText(error);
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'content-length': Buffer.byteLength(text),
    'x-clickhouse-exception-code': String(code),
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="affiant"' } : {}),
    ...(status === 429 ? { 'retry-after': '1' } : {}),
  });
  response.end(text);
}
