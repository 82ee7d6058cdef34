import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly response: ServerResponse;
  /** Resolves when the gateway closed this call. */
  readonly closed: Promise<void>;
}

/** A provider whose answers a test writes itself; by default it streams `one`, `two`, `end`, or answers JSON. */
export class FakeUpstream {
  readonly heard: Heard[] = [];
  answer: (heard: Heard) => void = answerDefault;
  readonly #server: Server;
  readonly #listeners = new Set<() => void>();

  constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const closed = new Promise<void>((resolve) => {
          response.on('close', resolve);
        });
        const heard: Heard = {
          method: request.method ?? '',
          url: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(parts).toString(),
          response,
          closed,
        };
        this.heard.push(heard);
        for (const listener of this.#listeners) listener();
        this.answer(heard);
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async call(count: number): Promise<Heard> {
    while (this.heard.length < count) {
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
    return this.heard[count - 1] as Heard;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

export function answerDefault({ body, response }: Heard): void {
  if (body.includes('"stream":true')) answerStream(response, 'one\ntwo\nend\n');
  else answerJson(response, 200, '{"said":"SECRET"}');
}

export function answerStream(response: ServerResponse, lines: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_up' });
  response.end(lines);
}

export function answerJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_up' });
  response.end(text);
}
