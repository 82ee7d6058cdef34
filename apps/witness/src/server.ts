import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#observability';
import type { Answer } from './witness.js';

/** A note with a hundred post-quantum signatures is smaller, and so is any proof. */
const MAX_BODY = 512 * 1024;
const MAX_CONNECTIONS = 256;
/** A request is a few kilobytes: whoever needs longer holds a connection for another purpose. Milliseconds. */
const REQUEST_TIMEOUT = 10_000;
const KEEP_ALIVE = 75_000;

const TEXT = 'text/plain; charset=utf-8';

export interface ServerParts {
  readonly addCheckpoint: (body: Buffer) => Promise<Answer>;
  readonly logger: Logger;
}

/** `POST /add-checkpoint` (C2SP tlog-witness) and `GET /livez`, over plain HTTP: what is sent is signed, and TLS is for the proxy before it. */
export class WitnessServer {
  readonly #server: Server;

  constructor(private readonly parts: ServerParts) {
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT, keepAliveTimeout: KEEP_ALIVE },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          parts.logger.error({ reason: (error as Error).message }, 'a request failed; nothing was cosigned');
          if (response.headersSent) response.destroy();
          else send(response, 500, TEXT, 'the witness failed; nothing was cosigned\n');
        });
      },
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @returns the base URL, which is the submission prefix */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const { port: bound } = this.#server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  }

  /** Answers what is in work, then ends. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/livez') return send(response, 200, TEXT, 'ok\n');
    if (path !== '/add-checkpoint') return send(response, 404, TEXT, 'no such path\n');
    if (request.method !== 'POST') return send(response, 405, TEXT, 'POST only\n', { allow: 'POST' });
    const body = await read(request);
    // The rest of what is too large is not read: the connection ends.
    if (body === null) return send(response, 413, TEXT, `more than ${MAX_BODY} bytes\n`, { connection: 'close' });
    const answer = await this.parts.addCheckpoint(body);
    send(response, answer.status, answer.type, answer.body);
  }
}

/** Null when it is too large. @throws when the client goes away */
async function read(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) return null;
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function send(response: ServerResponse, status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', ...headers });
  response.end(body);
}
