import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

const HEADERS_MS = 15_000;
/** Receiving one whole request; says nothing about how long an answer may take. */
const REQUEST_MS = 300_000;
/** Longer than what clients keep, so that they close first. */
const KEEP_ALIVE_MS = 75_000;
/** A connection on which nothing moves; longer than any wait the gateway itself allows. */
const IDLE_MS = 1_200_000;
const HEADER_BYTES = 32 * 1024;
const CONNECTIONS = 10_000;

/** The gateway's own HTTP/1.1 server: plain handler, upgrades and CONNECT refused. */
export class Listener {
  readonly #server: Server;

  constructor(handle: RequestHandler, refuseUpgrade: (request: IncomingMessage) => Buffer) {
    this.#server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS, keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: HEADER_BYTES },
      handle,
    );
    this.#server.maxConnections = CONNECTIONS;
    this.#server.timeout = IDLE_MS;
    const refuse = (request: IncomingMessage, socket: Duplex): void => {
      socket.on('error', () => undefined);
      socket.end(refuseUpgrade(request));
    };
    this.#server.on('upgrade', refuse);
    this.#server.on('connect', refuse);
  }

  /** Port 0 = any free one. Resolves with the address in use. */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Accepts no more connections and closes idle ones; resolves when the last connection is gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  closeAll(): void {
    this.#server.closeAllConnections();
  }
}
