import { Client, type ClientConfig } from 'pg';

const CONNECT_MS = 5_000;
const IDLE_MS = 60_000;

/**
 * A connection that is closed once an answer did not come in time: the answer may still come, and the next borrower of the connection
 * would wait behind it.
 */
class ImpatientClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const send = this.query.bind(this) as (...args: unknown[]) => unknown;
    this.query = ((...args: unknown[]): unknown => {
      const answer = send(...args);
      if (answer instanceof Promise) answer.catch((error: Error) => error.message === 'Query read timeout' && void this.end());
      return answer;
    }) as typeof this.query;
  }
}

/**
 * What a pool of connections to a PostgreSQL server needs so that nothing waits for ever on a server that is gone, silent or starting.
 * The server gives up first, so that a slow statement ends as an error of its own; the client's limit `answerMs` is for a silent server.
 */
export function serverOptions(url: string, pool: number, answerMs: number) {
  const statementMs = Math.ceil(answerMs * 0.75);
  return {
    url,
    poolSize: pool,
    connectTimeoutMS: Math.min(CONNECT_MS, answerMs),
    applicationName: 'affiant',
    // A connection that breaks while nobody uses it is dropped by the pool; the next call opens another.
    poolErrorHandler: () => undefined,
    extra: {
      Client: ImpatientClient,
      keepAlive: true,
      idleTimeoutMillis: IDLE_MS,
      statement_timeout: statementMs,
      idle_in_transaction_session_timeout: statementMs,
      query_timeout: answerMs,
    },
  };
}
