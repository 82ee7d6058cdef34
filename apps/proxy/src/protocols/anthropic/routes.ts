import type { Route } from '../protocol.js';

const MODEL = /^\/v1\/models\/[A-Za-z0-9._:@-]{1,128}$/;

/**
 * What is served; everything else is refused. Above all not batches, files and other retrieval endpoints: they are ways round the controls
 * (research/wire.md §2).
 * @param path without the connection prefix and the query
 */
export function route(method: string, path: string): Route | null {
  if (method === 'POST' && path === '/v1/messages') return { operation: 'messages', upstreamPath: path, hasBody: true, forwards: true };
  if (method === 'POST' && path === '/v1/messages/count_tokens') {
    return { operation: 'count_tokens', upstreamPath: path, hasBody: true, forwards: true };
  }
  if (method === 'GET' && (path === '/v1/models' || MODEL.test(path))) {
    return { operation: 'models', upstreamPath: path, hasBody: false, forwards: true };
  }
  if (method === 'HEAD' && (path === '/' || path === '')) return { operation: 'probe', upstreamPath: '/', hasBody: false, forwards: false };
  return null;
}
