import type { Route } from '../protocol.js';

const MODEL = /^\/v1\/models\/[A-Za-z0-9._:@-]{1,128}$/;
const ASKED: ReadonlyMap<string, string> = new Map([
  ['/v1/responses', 'responses'],
  ['/v1/chat/completions', 'chat_completions'],
]);

/**
 * What is served; everything else is refused. Above all not retrieval, files, conversations and batches: they give back what no policy saw
 * (research/wire.md §3).
 * @param path without the connection prefix and the query
 */
export function route(method: string, path: string): Route | null {
  const operation = method === 'POST' ? ASKED.get(path) : undefined;
  if (operation !== undefined) return { operation, upstreamPath: path, hasBody: true, forwards: true };
  if (method === 'GET' && (path === '/v1/models' || MODEL.test(path))) {
    return { operation: 'models', upstreamPath: path, hasBody: false, forwards: true };
  }
  if (method === 'HEAD' && (path === '/' || path === '')) return { operation: 'probe', upstreamPath: '/', hasBody: false, forwards: false };
  return null;
}
