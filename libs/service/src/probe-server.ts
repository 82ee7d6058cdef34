import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from '#observability';

export interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
}

/** `/livez`, `/readyz` and `/metrics` of one service, without identity: it tells health and counts, and listens where `server.host` says. */
export class ProbeServer {
  readonly #server: Server;

  constructor(
    private readonly metrics: Metrics,
    private readonly readiness: () => Readiness,
  ) {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** @returns the base URL */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const { port: bound } = this.#server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (url ?? '').split('?')[0];
    if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'text/plain; charset=utf-8', 'GET only\n');
    if (path === '/livez') return send(response, 200, 'text/plain; charset=utf-8', 'ok\n');
    if (path === '/readyz') {
      const { ready, reason } = this.readiness();
      return send(response, ready ? 200 : 503, 'text/plain; charset=utf-8', ready ? 'ok\n' : `not ready: ${reason ?? 'unknown'}\n`);
    }
    if (path === '/metrics') {
      const { contentType, body } = await this.metrics.text();
      return send(response, 200, contentType, body);
    }
    return send(response, 404, 'text/plain; charset=utf-8', 'no such path\n');
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
  response.end(body);
}
