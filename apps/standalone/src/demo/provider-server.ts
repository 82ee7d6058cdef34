import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

export interface SimulatedProvider {
  readonly url: string;
  /** Requests that reached it: the independent count the demo compares the ledger with. */
  readonly received: () => number;
  close(): Promise<void>;
}

export interface SimulatedProviderOptions {
  readonly host: string;
  readonly port: number;
  /** The API key it accepts: any other caller gets 401, so a caller's own token that leaked upstream would show. */
  readonly apiKey: string;
  /** Milliseconds between stream events. */
  readonly pace: number;
  /** Sees every body that arrived, as the provider would. */
  readonly onRequest?: (body: string) => void;
}

/** A request, read whole. */
export interface ProviderRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** How many came, this one included. */
  readonly count: number;
}

/** Serves a simulated provider. `answer` may throw: the connection is then broken off. */
export async function serveProvider(
  options: SimulatedProviderOptions,
  answer: (request: ProviderRequest, response: ServerResponse) => Promise<void>,
): Promise<SimulatedProvider> {
  let received = 0;
  const server = createServer((request, response) => {
    received += 1;
    const count = received;
    readAll(request)
      .then((body) => {
        options.onRequest?.(body);
        const path = (request.url ?? '').split('?')[0]!;
        return answer({ method: request.method ?? '', path, headers: request.headers, body, count }, response);
      })
      .catch(() => response.destroy());
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    received: () => received,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Streams events at a pace; `event` lines only where they have names. */
export async function sendEvents(
  response: ServerResponse,
  pace: number,
  events: Iterable<readonly [string | null, object | string]>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  for (const [name, data] of events) {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    if (!response.write(`${name === null ? '' : `event: ${name}\n`}data: ${text}\n\n`)) await once(response, 'drain');
    if (pace > 0) await delay(pace);
    if (response.destroyed) return;
  }
  response.end();
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
