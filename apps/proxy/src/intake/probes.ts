import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers liveness, readiness and the clients' own `HEAD /` probe, which need no identity. False for anything else. */
export function answerProbe(
  request: IncomingMessage,
  response: ServerResponse,
  readiness: () => { readonly ready: boolean; readonly reason?: string },
): boolean {
  const { method, url } = request;
  if (method !== 'GET' && method !== 'HEAD') return false;
  if (url === '/livez') return answer(response, 200, 'ok\n');
  if (url === '/readyz') {
    const { ready, reason } = readiness();
    return answer(response, ready ? 200 : 503, ready ? 'ok\n' : `not ready: ${reason ?? 'unknown'}\n`);
  }
  // Claude Code asks whether anything listens (research/wire.md §1.1); nothing is behind it and nothing is told.
  if (method === 'HEAD' && /^\/(?:c\/[A-Za-z0-9._-]+\/?)?(?:\?.*)?$/.test(url ?? '')) return answer(response, 200, '');
  return false;
}

function answer(response: ServerResponse, status: number, text: string): true {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
  return true;
}
