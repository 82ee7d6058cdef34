import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { SqlEndpoint } from './sql-endpoint.js';

export type SqlAddress = 'query' | 'ping' | null;

/**
 * What of a request is ClickHouse's: everything under `/sql`; `/ping`; and at `/` what a ClickHouse client sends there: POST,
 * a query in the URL, or a GET that does not ask for a page.
 */
export function sqlAddress({ method = 'GET', url = '/', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): SqlAddress {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  if (path === '/ping' || path === '/sql/ping') return 'ping';
  const hasQuery = mark >= 0 && new URLSearchParams(url.slice(mark)).has('query');
  if (path !== '/' && path !== '/sql' && path !== '/sql/') return null;
  if (method === 'POST' || (method === 'GET' && hasQuery)) return 'query';
  if (path !== '/') return method === 'GET' || method === 'HEAD' ? 'ping' : 'query';
  return headers.accept?.includes('text/html') === true ? null : 'ping';
}

/** Takes ClickHouse's requests out before Fastify parses a body: any content type is a query, and the answer is streamed as it comes. */
export function attachSqlEndpoint(fastify: FastifyInstance, endpoint: SqlEndpoint): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const address = sqlAddress(request.raw);
    if (address === null) {
      done();
      return;
    }
    reply.hijack();
    if (address === 'query') void endpoint.handle(request.raw, reply.raw);
    else reply.raw.writeHead(200, { 'content-type': 'text/plain; charset=UTF-8' }).end('Ok.\n');
  });
}
